import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '@dialstream/shared/db/pool.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher, type Publisher } from '@dialstream/shared/events/publisher.js';
import { createRedis } from '@dialstream/shared/events/redis.js';
import { createLog } from '@dialstream/shared/log.js';
import { RandomChanges } from '../../integration/gateway/random-changes.js';
import { seededRandom } from '../../support/seeded-random.js';

/** What a writer is told on its command line, as JSON. */
export interface WriterOrder {
  databaseUrl: string;
  redisUrl: string;
  accountId: string;
  seed: number;
  /** Campaigns that are never deleted. */
  kept: number;
  /** On average and at most. */
  eventsPerSecond: number;
}

/**
 * Changes an account and publishes what it has changed, as server and dialer do, until it is killed or is told
 * to stop. It ends with code 1 at the first change that fails.
 */
const order = JSON.parse(process.argv[2] ?? '') as WriterOrder;
const log = createLog('test-writer', process.env['TEST_LOG_LEVEL'] ?? 'fatal');
const pool = createPool({ databaseUrl: order.databaseUrl, log, name: 'test-writer' });
// Redis may be away, also at the start: what cannot be published then is left to the others' sweeps.
const redis = createRedis(order.redisUrl, 'test-writer', log);
const publisher = createPublisher({ pool, redis, prefix: 'ds', log });
let told = 0;
const counted: Publisher = {
  ...publisher,
  publish(events) {
    told += events.length;
    publisher.publish(events);
  },
};
const outbox = createOutbox({ pool, publisher: counted });
const random = seededRandom(order.seed);
const changes = new RandomChanges(pool, outbox, order.accountId, random);
let isStopping = false;
process.on('message', () => {
  isStopping = true;
});
// Whoever has started it is gone.
process.on('disconnect', () => process.exit(1));

await changes.join(order.kept);
const startedAt = performance.now();
while (!isStopping) {
  await changes.step();
  const dueMs = (told / order.eventsPerSecond) * 1_000;
  await sleep(Math.max(0, dueMs - (performance.now() - startedAt)));
}
await publisher.close();
redis.disconnect();
await pool.end();
process.exit(0);
