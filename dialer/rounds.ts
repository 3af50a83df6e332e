import type { Log } from '@dialstream/shared/log.js';

/** Runs `work` every `ms`, one round at a time. Gives a function that stops it and waits for the round under way. */
export function every(ms: number, what: string, log: Log, work: () => Promise<unknown>): () => Promise<void> {
  let round: Promise<void> | null = null;
  const timer = setInterval(() => {
    round ??= work()
      .then(
        () => undefined,
        (error: unknown) => log.warn({ err: error }, `${what} failed; it is tried again`),
      )
      .finally(() => {
        round = null;
      });
  }, ms);
  return async () => {
    clearInterval(timer);
    await round;
  };
}
