import { setTimeout as sleep } from 'node:timers/promises';

/** What was awaited did not come in time. */
export class DeadlineError extends Error {
  override name = 'DeadlineError';
}

/** The result of `promise`, or a {@link DeadlineError} after `ms`. The promise itself is not stopped. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

export interface UntilOptions {
  /** Milliseconds after which a {@link DeadlineError} is thrown. */
  withinMs: number;
  /** Names what is awaited, for the error. */
  what: string;
  /** Milliseconds between two looks. */
  everyMs?: number;
}

/** Looks until `check` gives something other than undefined or false, and returns that. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs, what, everyMs = 25 }: UntilOptions,
): Promise<T> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= endsAt) throw new DeadlineError(`${what}: not within ${withinMs} ms`);
    await sleep(everyMs);
  }
}
