import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Pool } from '@dialstream/shared/db/pool.js';

/** `GET /metrics` for Prometheus, without a key: the process, its requests, and what the records say now. */
export function addMetrics(app: FastifyInstance, pool: Pool): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  timeRequests(app, registry);
  const readRecords = gaugeRecords(registry, pool);
  app.get('/metrics', async (_request, reply) => {
    await readRecords();
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

function gaugeRecords(registry: Registry, pool: Pool): () => Promise<void> {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const attempts = gauge('dialstream_active_attempts', 'Attempts under way');
  const inProgress = gauge('dialstream_campaigns_in_progress', 'Campaigns in progress');
  const unpublished = gauge('dialstream_unpublished_events', 'Event rows that Redis may not have yet');
  return async () => {
    const { rows } = await pool.query<{ attempts: number; in_progress: number; unpublished: number }>(
      `select (select count(*)::int from attempts where ended_at is null) as attempts,
        (select count(*)::int from campaigns where status = 'in_progress') as in_progress,
        (select count(*)::int from event_rows) as unpublished`,
    );
    attempts.set(rows[0]?.attempts ?? 0);
    inProgress.set(rows[0]?.in_progress ?? 0);
    unpublished.set(rows[0]?.unpublished ?? 0);
  };
}
