import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import { z } from 'zod';
import { isConnectionError, type Pool } from '@dialstream/shared/db/pool.js';

/** `GET /metrics` for Prometheus, without a key: the process, its requests, and what the records say now. */
export function addMetrics(app: FastifyInstance, pool: Pool, registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  timeRequests(app, registry);
  const gaugeNow = gaugeRecords(registry, pool);
  const schema = { produces: ['text/plain'], response: { 200: z.string() } };
  app.get('/metrics', { schema }, async (_request, reply) => {
    await gaugeNow();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** Requests by their route, so that ids make no series of their own. */
function timeRequests(app: FastifyInstance, registry: Registry): void {
  const seconds = new Histogram({
    name: 'dialstream_http_request_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
  });
}

/** What the records say; while Postgres is away only that it is. */
function gaugeRecords(registry: Registry, pool: Pool): () => Promise<void> {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const up = gauge('dialstream_postgres_up', 'Whether Postgres answers');
  const records = {
    attempts: gauge('dialstream_active_attempts', 'Attempts under way'),
    in_progress: gauge('dialstream_campaigns_in_progress', 'Campaigns in progress'),
    unpublished: gauge('dialstream_unpublished_events', 'Event rows that Redis may not have yet'),
  };
  return async () => {
    const read = await readRecords(pool);
    up.set(read === null ? 0 : 1);
    for (const name of Object.keys(records) as (keyof typeof records)[]) {
      records[name].set(read?.[name] ?? Number.NaN);
    }
  };
}

interface Records {
  attempts: number;
  in_progress: number;
  unpublished: number;
}

async function readRecords(pool: Pool): Promise<Records | null> {
  try {
    const { rows } = await pool.query<Records>(
      `select (select count(*)::int from attempts where ended_at is null) as attempts,
        (select count(*)::int from campaigns where status = 'in_progress') as in_progress,
        (select count(*)::int from event_rows) as unpublished`,
    );
    return rows[0] ?? null;
  } catch (error) {
    if (isConnectionError(error)) return null;
    throw error;
  }
}
