/** Says how long to wait before trying again. */
export interface ReconnectPolicy {
  /**
   * Milliseconds before the next try, null to give up.
   * @param failures tries that have failed in a row, from 1
   */
  delayMs(failures: number): number | null;
}

/** Settings of {@link fullJitter}. */
export interface FullJitterOptions {
  /** Ceiling of the first delay, ms; it doubles with every failure. */
  baseMs?: number;
  /** Ceiling of all delays, ms. */
  capMs?: number;
  /** Gives numbers from 0 to below 1. */
  random?: () => number;
}

/**
 * Waits a random time between nothing and a ceiling that grows: many clients that lost one server at once
 * come back spread out (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function fullJitter(options: FullJitterOptions = {}): ReconnectPolicy {
  const { baseMs = 500, capMs = 20_000, random = Math.random } = options;
  return { delayMs: (failures) => random() * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30)) };
}
