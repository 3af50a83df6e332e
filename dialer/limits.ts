import type { Redis } from '@dialstream/shared/events/redis.js';

/** One limit that an attempt counts in. */
export interface Limit {
  /** Its name in Redis, such as `trunk:<id>`. */
  key: string;
  /** Attempts at once; null: any number. */
  maxConcurrent: number | null;
  /** Attempts started per second; null: any number. */
  perSecond: number | null;
}

export interface Grant {
  attemptId: string;
  /** Milliseconds from now at which the INVITE may leave. */
  startInMs: number;
}

/**
 * Limits over all dialers, kept in Redis. A place is held under the id of its attempt until it is released
 * or its lease runs out, so that the places of a dead dialer come back. Starts are spaced evenly: each one is
 * given its instant, so that no second has more than the limit whatever the rhythm of the asking.
 */
export interface Limits {
  /** Takes places for as many of the attempts as every limit allows, in their order. */
  acquire(limits: readonly Limit[], attemptIds: readonly string[]): Promise<Grant[]>;
  /** Gives places back. */
  release(keys: readonly string[], attemptIds: readonly string[]): Promise<void>;
  /** Holds the places of running attempts for another lease; takes them anew if Redis has lost them. */
  renew(held: ReadonlyMap<string, readonly string[]>): Promise<void>;
}

/** How long a place is held without being renewed, ms. */
export const placeLeaseMs = 30_000;
/** How far ahead starts are given out, ms: so long may a round of claims be late without the pace suffering. */
const horizonMs = 250;

/**
 * KEYS per limit: places (sorted set: attempt → end of its lease), pace (the next free start, µs)
 * ARGV 1 lease ms · 2 horizon ms · then per limit: most at once or -1, µs between starts or 0 · then attempt ids
 * gives the start of each granted attempt, ms from now
 */
const acquireScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limits = #KEYS / 2
local room = #ARGV - 2 - 2 * limits
local start, gap = now, {}
for l = 1, limits do
  local places, most = KEYS[2 * l - 1], tonumber(ARGV[1 + 2 * l])
  redis.call('ZREMRANGEBYSCORE', places, '-inf', math.floor(now / 1000))
  if most >= 0 then room = math.min(room, most - redis.call('ZCARD', places)) end
  gap[l] = tonumber(ARGV[2 + 2 * l])
  if gap[l] > 0 then start = math.max(start, tonumber(redis.call('GET', KEYS[2 * l]) or 0)) end
end
local widest = 0
for l = 1, limits do widest = math.max(widest, gap[l]) end
local starts = {}
for i = 1, room do
  if start > now + ARGV[2] * 1000 then break end
  starts[i] = math.floor((start - now) / 1000)
  start = start + widest
end
if #starts == 0 then return starts end
local until_ms = math.floor(now / 1000) + ARGV[1]
for l = 1, limits do
  for i = 1, #starts do
    redis.call('ZADD', KEYS[2 * l - 1], until_ms, ARGV[2 + 2 * limits + i])
  end
  redis.call('PEXPIRE', KEYS[2 * l - 1], ARGV[1] * 2)
  -- The next start of this limit follows its own gap after the last one given.
  if gap[l] > 0 then
    redis.call('SET', KEYS[2 * l], string.format('%.0f', start - widest + gap[l]), 'PX', math.ceil(gap[l] / 1000) + 60000)
  end
end
return starts
`;

export function createLimits(redis: Redis, prefix: string): Limits {
  redis.defineCommand('acquirePlaces', { lua: acquireScript });
  const acquirePlaces = (
    redis as unknown as { acquirePlaces(keys: number, ...rest: (string | number)[]): Promise<number[]> }
  ).acquirePlaces.bind(redis);
  const placesKey = (key: string): string => `${prefix}:places:${key}`;

  return {
    async acquire(limits, attemptIds) {
      if (attemptIds.length === 0) return [];
      const starts = await acquirePlaces(
        limits.length * 2,
        ...limits.flatMap(({ key }) => [placesKey(key), `${prefix}:pace:${key}`]),
        placeLeaseMs,
        horizonMs,
        ...limits.flatMap(({ maxConcurrent, perSecond }) => [
          maxConcurrent ?? -1,
          perSecond === null ? 0 : Math.ceil(1_000_000 / perSecond),
        ]),
        ...attemptIds,
      );
      return starts.flatMap((startInMs, i) => {
        const attemptId = attemptIds[i];
        return attemptId === undefined ? [] : [{ attemptId, startInMs }];
      });
    },

    async release(keys, attemptIds) {
      if (attemptIds.length === 0) return;
      await Promise.all(keys.map((key) => redis.zrem(placesKey(key), ...attemptIds)));
    },

    async renew(held) {
      const byKey = new Map<string, string[]>();
      for (const [attemptId, keys] of held) {
        for (const key of keys) {
          const ids = byKey.get(key);
          if (ids) ids.push(attemptId);
          else byKey.set(key, [attemptId]);
        }
      }
      const [seconds] = await redis.time();
      const end = Number(seconds) * 1_000 + placeLeaseMs;
      await Promise.all(
        [...byKey].map(async ([key, ids]) => {
          await redis.zadd(placesKey(key), ...ids.flatMap((id) => [end, id]));
          await redis.pexpire(placesKey(key), placeLeaseMs * 2);
        }),
      );
    },
  };
}
