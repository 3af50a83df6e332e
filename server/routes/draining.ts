import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/**
 * Lets requests under way end when the app closes, for `patienceMs` at most. Connections are cut afterwards
 * (`forceCloseConnections`): one that never asked anything would keep the server open, and Node does not
 * count it among the idle.
 */
export function drainRequests(app: FastifyInstance, patienceMs: number): void {
  let underWay = 0;
  let closing = false;
  let settle = (): void => {};
  app.addHook('onRequest', async (_request, reply) => {
    underWay += 1;
    // Comes in the end however the request ends, by its answer or by a caller who left.
    reply.raw.once('close', () => {
      underWay -= 1;
      if (underWay === 0) settle();
    });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.addHook('preClose', async () => {
    closing = true;
    if (underWay === 0) return;
    const stop = new AbortController();
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const tooLong = delay(patienceMs, undefined, { signal: stop.signal }).catch(() => {});
    await Promise.race([settled, tooLong]);
    stop.abort();
  });
}
