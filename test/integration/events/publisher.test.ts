import { createOutbox, campaignEvent, type Outbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher, type Publisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import { topicKeys } from '@dialstream/shared/events/topics.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { test as base, describe, expect } from '../../support/fixtures.js';
import { addAccount, addCampaign } from '../../support/records.js';

const test = base.extend<{ redis: Redis }>({
  redis: async ({ redisUrl, log }, use) => {
    const redis = createRedis(redisUrl, 'test', log);
    await redisReady(redis);
    await use(redis);
    redis.disconnect();
  },
});

/** A publisher that never gets to publish: its process dies between the commit and Redis. */
const dead: Publisher = {
  publish() {},
  sweep: async () => 0,
  idle: async () => {},
  start() {},
  close: async () => {},
};

/** An event that is told apart by its version. */
function updated(accountId: string, campaignId: string, version: number) {
  const data = { campaignId, name: 'x', version };
  return campaignEvent(accountId, campaignId, { type: 'campaign.updated', data });
}

async function emitNumbers(outbox: Outbox, accountId: string, campaignId: string, values: number[]) {
  await outbox.change([campaignId], async (_, emit) => {
    for (const version of values) {
      emit(updated(accountId, campaignId, version));
    }
  });
}

async function streamOf(redis: Redis, prefix: string, topic: string) {
  const { head, stream } = topicKeys(prefix, topic);
  const entries = await redis.xrange(stream, '-', '+');
  return {
    head: await redis.hgetall(head),
    seqs: entries.map(([id]) => Number(id.split('-')[0])),
    versions: entries.map(([, fields]) => {
      const body = JSON.parse(fields[fields.indexOf('e') + 1] ?? '{}') as { data: { version: number } };
      return body.data.version;
    }),
  };
}

async function setUp(db: Pool) {
  const accountId = await addAccount(db);
  const campaignId = await addCampaign(db, accountId);
  return { accountId, campaignId, topic: `campaign:${campaignId}` };
}

const oneTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('publishing', () => {
  test('numbers events without a gap, in every topic they go to, and leaves no row behind', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    await emitNumbers(createOutbox({ pool: db, publisher }), accountId, campaignId, [1, 2, 3]);
    await publisher.idle();
    for (const name of [topic, `campaigns:${accountId}`]) {
      const { head, seqs, versions } = await streamOf(redis, prefix, name);
      expect(seqs).toEqual([1, 2, 3]);
      expect(versions).toEqual([1, 2, 3]);
      expect(head['seq']).toBe('3');
    }
    expect((await db.query('select from event_rows where scope = $1', [campaignId])).rowCount).toBe(0);
  });

  test('streams nothing of a change that was rolled back', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    const outbox = createOutbox({ pool: db, publisher });
    const failing = outbox.change([campaignId], async (_, emit) => {
      emit(updated(accountId, campaignId, 1));
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await publisher.idle();
    expect((await streamOf(redis, prefix, topic)).seqs).toEqual([]);
  });

  test('refuses an event of a scope that the change has not locked', async ({
    db,
    log,
    redis,
    redisPrefix,
  }) => {
    const { accountId, campaignId } = await setUp(db);
    const other = await addCampaign(db, accountId);
    const publisher = createPublisher({ pool: db, redis, prefix: redisPrefix, log });
    const outbox = createOutbox({ pool: db, publisher });
    const wrong = outbox.change([campaignId], async (_, emit) => {
      emit(
        campaignEvent(accountId, other, {
          type: 'campaign.updated',
          data: { campaignId: other, name: 'x', version: 1 },
        }),
      );
    });
    await expect(wrong).rejects.toThrow('not locked');
  });

  test('a change that cannot lock its scope keeps its connection until its work is over', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    const order: string[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const failing = createOutbox({ pool: db, publisher })
      .change(['no uuid'], async () => {
        await gate;
        order.push('work is over');
      })
      .catch(() => order.push('the change has failed'));
    // Many times the way to Postgres and back that tells of the failed lock.
    for (let n = 0; n < 50; n += 1) await db.query('select');
    order.push('work goes on');
    open();
    await failing;
    expect(order).toEqual(['work goes on', 'work is over', 'the change has failed']);
  });

  test('events that a dead process left come before those that follow', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    await emitNumbers(createOutbox({ pool: db, publisher: dead }), accountId, campaignId, [1, 2]);
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    await emitNumbers(createOutbox({ pool: db, publisher }), accountId, campaignId, [3]);
    await publisher.idle();
    const { seqs, versions } = await streamOf(redis, prefix, topic);
    expect(versions).toEqual([1, 2, 3]);
    expect(seqs).toEqual([1, 2, 3]);
  });

  test('a sweep publishes what a dead process left', async ({ db, redis, redisPrefix: prefix, log }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    await emitNumbers(createOutbox({ pool: db, publisher: dead }), accountId, campaignId, oneTo(2_500));
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    await publisher.sweep(0);
    const { versions } = await streamOf(redis, prefix, topic);
    expect(versions).toEqual(oneTo(2_500));
    expect((await db.query('select from event_rows where scope = $1', [campaignId])).rowCount).toBe(0);
  });

  test('many processes at once keep one order and publish nothing twice', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publishers = oneTo(4).map(() => createPublisher({ pool: db, redis, prefix, log }));
    const outboxes = publishers.map((publisher) => createOutbox({ pool: db, publisher }));
    const order: number[] = [];
    await Promise.all(
      outboxes.map(async (outbox, i) => {
        for (let n = 0; n < 50; n += 1) {
          const version = i * 1_000 + n;
          await outbox.change([campaignId], async (tx, emit) => {
            // The answer to a query comes once the scope is locked.
            await tx.query('select');
            order.push(version);
            emit(updated(accountId, campaignId, version));
          });
        }
      }),
    );
    await Promise.all(publishers.map((publisher) => publisher.idle()));
    await publishers[0]?.sweep(0);
    const { seqs, versions } = await streamOf(redis, prefix, topic);
    // The scope is locked while `order` is written, so it is the order of the commits.
    expect(versions).toEqual(order);
    expect(seqs).toEqual(oneTo(200));
  });

  test('when Redis has lost everything, the topics go on in a new epoch', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    const outbox = createOutbox({ pool: db, publisher });
    await emitNumbers(outbox, accountId, campaignId, [1, 2]);
    await publisher.idle();
    const before = await streamOf(redis, prefix, topic);
    await redis.del(await redis.keys(`${prefix}:*`));
    await emitNumbers(outbox, accountId, campaignId, [3]);
    await publisher.idle();
    const after = await streamOf(redis, prefix, topic);
    expect(after.versions).toEqual([3]);
    expect(after.seqs).toEqual([1]);
    expect(after.head['epoch']).not.toBe(before.head['epoch']);
  });

  test('when Redis has lost the tail of its log, the topics go on in a new epoch', async ({
    db,
    redis,
    redisPrefix: prefix,
    log,
  }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    const outbox = createOutbox({ pool: db, publisher });
    await emitNumbers(outbox, accountId, campaignId, [1]);
    await publisher.idle();
    const before = await streamOf(redis, prefix, topic);
    await emitNumbers(outbox, accountId, campaignId, [2, 3]);
    await publisher.idle();
    // As after a fail-over to a replica that had only the first event.
    const { head, stream } = topicKeys(prefix, topic);
    await redis
      .multi()
      .xtrim(stream, 'MAXLEN', 1)
      .hset(head, 'seq', 1)
      .set(`${prefix}:scope:${campaignId}`, 1)
      .exec();
    await emitNumbers(outbox, accountId, campaignId, [4]);
    await publisher.idle();
    const after = await streamOf(redis, prefix, topic);
    expect(after.versions).toEqual([4]);
    expect(after.head['epoch']).not.toBe(before.head['epoch']);
  });

  test('a stream keeps no more than its length allows', async ({ db, redis, redisPrefix: prefix, log }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    const publisher = createPublisher({ pool: db, redis, prefix, log, streamLength: 100 });
    const outbox = createOutbox({ pool: db, publisher });
    await emitNumbers(outbox, accountId, campaignId, oneTo(1_000));
    await publisher.idle();
    const { seqs, head } = await streamOf(redis, prefix, topic);
    expect(head['seq']).toBe('1000');
    expect(seqs.length).toBeGreaterThanOrEqual(100);
    expect(seqs.length).toBeLessThan(300);
  });

  test('a stream drops what is too old', async ({ db, redis, redisPrefix: prefix, log }) => {
    const { accountId, campaignId, topic } = await setUp(db);
    // An age in the future makes every entry too old at once.
    const publisher = createPublisher({ pool: db, redis, prefix, log, streamAgeMs: -60_000 });
    await emitNumbers(createOutbox({ pool: db, publisher }), accountId, campaignId, oneTo(300));
    await publisher.idle();
    expect((await streamOf(redis, prefix, topic)).seqs).toEqual(oneTo(300).slice(256));
  });
});
