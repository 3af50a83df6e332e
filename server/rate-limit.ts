/** So many at once, and so many per second for long. */
export interface RateLimit {
  burst: number;
  perSecond: number;
}

type Clock = () => number;
const monotonic: Clock = () => performance.now();

/** A token bucket. */
export class Bucket {
  #left: number;
  #atMs: number;

  constructor(
    private readonly limit: RateLimit,
    private readonly nowMs: Clock = monotonic,
  ) {
    this.#left = limit.burst;
    this.#atMs = nowMs();
  }

  /** Gives 0, or the seconds to wait. */
  take(): number {
    const { burst, perSecond } = this.limit;
    const now = this.nowMs();
    this.#left = Math.min(burst, this.#left + ((now - this.#atMs) / 1_000) * perSecond);
    this.#atMs = now;
    if (this.#left < 1) return Math.ceil((1 - this.#left) / perSecond);
    this.#left -= 1;
    return 0;
  }
}

/** Keys whose requests are counted; beyond, the one that asked longest ago is forgotten. */
const countedKeys = 10_000;

/** A bucket per key. Gives 0, or the seconds to wait. */
export function createRateLimit(limit: RateLimit, nowMs: Clock = monotonic): (keyId: string) => number {
  const buckets = new Map<string, Bucket>();
  return (keyId) => {
    const bucket = buckets.get(keyId) ?? new Bucket(limit, nowMs);
    buckets.delete(keyId);
    buckets.set(keyId, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > countedKeys && oldest !== undefined) buckets.delete(oldest);
    return bucket.take();
  };
}
