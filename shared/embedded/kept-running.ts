import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.js';
import { describeExit, type ExitStatus } from './service-process.js';

/** A started process. */
export interface Running {
  pid: number;
  exited: Promise<ExitStatus>;
  /** Ends it, by SIGKILL if need be, within a bounded time. */
  stop(): Promise<void>;
}

/** Something that is to run all the time. */
export interface Part {
  name: string;
  /** Starts it, at the same place each time: others hold its address. */
  start(): Promise<Running>;
}

export interface KeptRunning {
  name: string;
  /** The process now; undefined between two of them. */
  pid(): number | undefined;
  /** Settles with the first start; rejects when that fails, and then nothing is tried again. */
  started: Promise<void>;
  /** Ends it for good, also while it is just starting. */
  stop(): Promise<void>;
}

const firstPauseMs = 250;
const longestPauseMs = 5_000;
/** Milliseconds after which a start counts as good, so that the next pause is a short one again. */
const settledMs = 30_000;

/** Milliseconds before try number `failures`, counted from 1, of getting something to run again. */
export function restartPauseMs(failures: number): number {
  return Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
}

/** Starts a part and starts it again, with growing pauses, whenever it ends unasked. */
export function keepRunning(part: Part, log: Log): KeptRunning {
  const stopping = new AbortController();
  let running: Running | undefined;

  const endCurrent = async (): Promise<void> => running?.stop();

  const startOnce = async (): Promise<number> => {
    running = await part.start();
    log.info({ part: part.name, partPid: running.pid }, 'started');
    return performance.now();
  };

  const restartOnEnd = async (firstStartAt: number): Promise<void> => {
    let startedAt = firstStartAt;
    let failures = 0;
    while (!stopping.signal.aborted) {
      if (running) {
        const status = await running.exited;
        running = undefined;
        if (stopping.signal.aborted) return;
        if (performance.now() - startedAt >= settledMs) failures = 0;
        log.error({ part: part.name, ended: describeExit(status) }, 'ended unasked');
      }
      failures += 1;
      await pause(restartPauseMs(failures), stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        startedAt = await startOnce();
      } catch (error) {
        log.error({ part: part.name, err: error }, 'could not be started again');
      }
    }
  };

  const firstStart = startOnce();
  const watching = firstStart.then(restartOnEnd, () => undefined);
  return {
    name: part.name,
    pid: () => running?.pid,
    started: firstStart.then(() => undefined),
    stop: async () => {
      stopping.abort();
      // A start under way is let come to its end: only then is there something that can be stopped.
      await firstStart.catch(() => undefined);
      await endCurrent();
      await watching;
      // One that a restart had just brought up.
      await endCurrent();
    },
  };
}

/** Sleeps; an abort ends it early, not in an error. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
