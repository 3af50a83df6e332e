import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Redis } from '@dialstream/shared/events/redis.js';

/** Milliseconds after which a service that has not answered counts as missing. */
const patienceMs = 1_500;

const alive = z.object({ status: z.literal('ok') });
const ready = z.object({ status: z.literal('ready') });
const notReady = z.object({
  status: z.literal('not ready'),
  missing: z.array(z.enum(['postgres', 'redis', 'dialer'])),
});

/** Whether the process lives, and whether it can do its work; without a key. */
export function addHealth(app: FastifyInstance, { pool, redis }: { pool: Pool; redis: Redis }): void {
  app.get('/healthz', { schema: { response: { 200: alive } } }, () => ({ status: 'ok' }));

  app.get('/readyz', { schema: { response: { 200: ready, 503: notReady } } }, async (_request, reply) => {
    const missing = await findMissing(pool, redis);
    if (missing.length === 0) return { status: 'ready' };
    return reply.code(503).send({ status: 'not ready', missing });
  });
}

async function findMissing(pool: Pool, redis: Redis): Promise<string[]> {
  const [dialer, pong] = await Promise.all([answerOf(hasLivingDialer(pool)), answerOf(redis.ping())]);
  return [
    ...(dialer === null ? ['postgres'] : []),
    ...(pong === null ? ['redis'] : []),
    ...(dialer === true ? [] : ['dialer']),
  ];
}

async function hasLivingDialer(pool: Pool): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'living-dialer',
    text: `select from dialers where status = 'up' and alive_until > now() limit 1`,
  });
  return rowCount === 1;
}

/** Null when there was none in time: that is what readiness asks, so the error is no news. */
async function answerOf<T>(asked: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patienceMs);
  });
  try {
    return await Promise.race([asked.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
