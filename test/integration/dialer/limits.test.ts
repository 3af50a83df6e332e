import { createLimits, type Limit } from '@dialstream/dialer/limits.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import { test as base, describe, expect } from '../../support/fixtures.js';

const test = base.extend<{ redis: Redis }>({
  redis: async ({ redisUrl, log }, use) => {
    const redis = createRedis(redisUrl, 'test', log);
    await redisReady(redis);
    await use(redis);
    redis.disconnect();
  },
});

const limit = (key: string, maxConcurrent: number | null, perSecond: number | null = null): Limit => ({
  key,
  maxConcurrent,
  perSecond,
});
const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('limits', () => {
  test('hold over any number of dialers asking at once', async ({ redis, redisPrefix }) => {
    const dialers = [1, 2, 3, 4].map(() => createLimits(redis, redisPrefix));
    const granted = await Promise.all(
      dialers.flatMap((limits, d) =>
        [1, 2, 3, 4, 5].map((n) =>
          limits.acquire([limit('campaign:a', 37), limit('trunk:t', 50)], ids(`${d}-${n}-`, 9)),
        ),
      ),
    );
    expect(granted.flat()).toHaveLength(37);
    expect(await redis.zcard(`${redisPrefix}:places:trunk:t`)).toBe(37);
  });

  test('a place that is given back can be taken again', async ({ redis, redisPrefix }) => {
    const limits = createLimits(redis, redisPrefix);
    const one = [limit('campaign:a', 1)];
    expect(await limits.acquire(one, ['a'])).toHaveLength(1);
    expect(await limits.acquire(one, ['b'])).toHaveLength(0);
    await limits.release(['campaign:a'], ['a']);
    expect(await limits.acquire(one, ['b'])).toHaveLength(1);
  });

  test('the places of a dead dialer come back when their lease runs out', async ({ redis, redisPrefix }) => {
    const limits = createLimits(redis, redisPrefix);
    await limits.acquire([limit('campaign:a', 2)], ['dead', 'alive']);
    // As if half a minute had passed without a renewal of the one, and with one of the other.
    await redis.zadd(`${redisPrefix}:places:campaign:a`, 1, 'dead', 1, 'alive');
    await limits.renew(new Map([['alive', ['campaign:a']]]));
    expect(await limits.acquire([limit('campaign:a', 2)], ['x', 'y'])).toHaveLength(1);
  });

  test('places that Redis has lost are taken anew by their renewal', async ({ redis, redisPrefix }) => {
    const limits = createLimits(redis, redisPrefix);
    await limits.acquire([limit('campaign:a', 2)], ['a', 'b']);
    await redis.del(`${redisPrefix}:places:campaign:a`);
    await limits.renew(new Map(['a', 'b'].map((id) => [id, ['campaign:a']])));
    expect(await limits.acquire([limit('campaign:a', 2)], ['c'])).toHaveLength(0);
  });

  test('starts are spaced evenly, whatever the rhythm of the asking', async ({ redis, redisPrefix }) => {
    const limits = createLimits(redis, redisPrefix);
    const grants = await limits.acquire([limit('campaign:a', null, 50)], ids('a', 100));
    // 20 ms apart within the horizon of 250 ms: now, and after 20, 40, … 240 ms.
    expect(grants.map((grant) => grant.startInMs)).toEqual(Array.from({ length: 13 }, (_, i) => i * 20));
    expect(await limits.acquire([limit('campaign:a', null, 50)], ids('b', 100))).toEqual([]);
  });

  test('the slower of two limits sets the pace, and each keeps its own', async ({ redis, redisPrefix }) => {
    const limits = createLimits(redis, redisPrefix);
    const slow = limit('campaign:slow', null, 20);
    const trunk = limit('trunk:t', null, 100);
    const first = await limits.acquire([slow, trunk], ids('a', 10));
    expect(first.map((grant) => grant.startInMs)).toEqual([0, 50, 100, 150, 200, 250]);
    const second = await limits.acquire([limit('campaign:fast', null, 1_000), trunk], ids('b', 10));
    expect(second.every((grant) => grant.startInMs > 240)).toBe(true);
  });
});
