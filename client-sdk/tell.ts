/**
 * Calls back. What a callback throws is not ours to handle and must not keep others from being called: it is
 * thrown again by itself, so that it is reported as uncaught.
 */
export function tell<Args extends unknown[]>(
  callback: ((...args: Args) => void) | undefined,
  ...args: Args
): void {
  try {
    callback?.(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
