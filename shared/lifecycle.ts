import type { Log } from './log.js';

/** Registers what is to be closed. Closers run one by one, the last registered first. */
export type Defer = (close: () => unknown) => void;

/**
 * Runs a process until SIGTERM, SIGINT or SIGHUP, then closes what was deferred, in reverse, within
 * `drainSeconds` and a grace for the closing itself. Ends with code 0 after a clean close, with 1 when
 * starting failed, a closer failed or the deadline passed. A second signal ends the process at once, unless
 * it comes within a second: `npm` passes on the Ctrl-C that the terminal has already sent us.
 */
export async function runUntilSignal(
  log: Log,
  drainSeconds: number,
  start: (defer: Defer) => Promise<void>,
): Promise<never> {
  const closers: (() => unknown)[] = [];
  let code = 0;

  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt !== undefined && performance.now() - firstAt > sameSignalMs) process.exit(130);
      firstAt ??= performance.now();
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    // The terminal was closed.
    process.on('SIGHUP', onSignal);
    // Under a supervisor the channel closes when that one dies: what it started ends as well. It is no
    // second signal, for that would cut a drain short.
    if (process.channel) process.on('disconnect', () => resolve('SIGTERM'));
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: reason }, 'unhandled rejection');
    process.exit(1);
  });

  try {
    // A signal that comes while starting does not wait for the start to end.
    const started = start((close) => closers.push(close));
    const signal = await Promise.race([started.then(() => signalled), signalled]);
    log.info({ signal }, 'stopping');
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : 'could not start');
    code = 1;
  }

  setTimeout(
    () => {
      log.error({ drainSeconds }, 'closing took too long');
      process.exit(1);
    },
    (drainSeconds + closeGraceSeconds) * 1000,
  ).unref();
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, 'could not close');
      code = 1;
    }
  }
  log.info('stopped');
  process.exit(code);
}

/** Room for the closers after the conversations have ended: last flushes, sockets, pools. */
const closeGraceSeconds = 10;

/** Signals that follow each other this closely are one wish to stop. */
const sameSignalMs = 1_000;
