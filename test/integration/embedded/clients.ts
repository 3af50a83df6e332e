import { createPool, type Pool } from '@dialstream/shared/db/pool.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import { createLog } from '@dialstream/shared/log.js';

const log = createLog('test', 'silent');

/** Runs `work` with a pool that is closed afterwards. */
export async function withPool<T>(databaseUrl: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ databaseUrl, log, name: 'test-embedded' });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** Runs `work` with a connection that is closed afterwards. */
export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = createRedis(url, 'test-embedded', log);
  try {
    await redisReady(redis);
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
