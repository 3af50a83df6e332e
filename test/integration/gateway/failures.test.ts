import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { redisReady } from '@dialstream/shared/events/redis.js';
import { topicKeys } from '@dialstream/shared/events/topics.js';
import { Registry } from 'prom-client';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { describe, expect, test, type Live } from './live.js';
import { transports } from './raw-client.js';

/** A Redis of the test's own: it is emptied, stopped and started. */
async function ownRedis(live: Live) {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-gateway-'));
  live.defer(() => fs.rm(dataDir, { recursive: true }));
  let server = await startRedis({ dataDir, log: live.log });
  live.defer(() => server.stop());
  const { url, port } = server;
  return {
    url,
    stop: () => server.stop(),
    async start() {
      server = await startRedis({ dataDir, port, log: live.log });
    },
  };
}

async function setUp(live: Live, redisUrl = live.redisUrl) {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(live.db, accountId);
  const redis = await live.redis(redisUrl);
  const publishersRedis = await live.redis(redisUrl);
  const { outbox, publisher } = await live.publishing(publishersRedis);
  const { url, gateway } = await live.gateway({ redis });
  return { accountId, campaignId, token, redis, publishersRedis, outbox, publisher, url, gateway };
}

/** Entries cannot be changed, so all after the broken one are written anew. */
const breakEntry = `
local all = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for _, entry in ipairs(all) do
  local body = entry[2][4]
  if entry[1] == ARGV[1] .. '-0' then body = '{' end
  redis.call('XADD', KEYS[1], entry[1], 't', entry[2][2], 'e', body)
end
`;

describe.for(transports)('Redis over %s', (transport) => {
  test.override('transport', transport);

  test('losing everything is a new epoch: clients are told, and heal by snapshot', async ({ live }) => {
    const own = await ownRedis(live);
    const { accountId, campaignId, token, redis, outbox, publisher, url, gateway } = await setUp(
      live,
      own.url,
    );
    const client = await live.client(url, token);
    const before = await client.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    await publisher.idle();
    await redis.flushall();
    await gateway.beat();
    await client.until('resync', ({ resyncs }) => resyncs.length === 1);
    expect(client.resyncs).toEqual([{ topic: 'campaigns', code: 'epoch_changed' }]);
    const after = await client.subscribed('campaigns', { epoch: before.cursor.epoch, seq: 3 });
    expect(after).toMatchObject({ recovered: false, snapshot: { campaigns: [{ version: 4 }] } });
    expect(after.cursor.epoch).not.toBe(before.cursor.epoch);
    await rename(outbox, { accountId, campaignId });
    await client.until('event', ({ events }) => events.at(-1)?.epoch === after.cursor.epoch);
    expect(client.events.at(-1)).toMatchObject({ seq: after.cursor.seq + 1, data: { version: 5 } });
  });

  test('losing everything is noticed with the next event, not only by the clock', async ({ live }) => {
    const own = await ownRedis(live);
    const { accountId, campaignId, token, redis, outbox, url } = await setUp(live, own.url);
    const client = await live.client(url, token);
    await client.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    await redis.flushall();
    await rename(outbox, { accountId, campaignId });
    await client.until('resync', ({ resyncs }) => resyncs.length === 1);
    expect(client.seqs()).toEqual([1, 2, 3]);
  });

  test('away: subscribing is refused at once; back: the stream goes on without a gap', async ({ live }) => {
    const own = await ownRedis(live);
    const { accountId, campaignId, token, publishersRedis, outbox, publisher, url, gateway } = await setUp(
      live,
      own.url,
    );
    const client = await live.client(url, token);
    await client.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    await own.stop();
    const unavailable = { ok: false, code: 'unavailable' };
    expect(await client.subscribe(`campaign:${campaignId}`)).toEqual(unavailable);
    await gateway.beat();
    await rename(outbox, { accountId, campaignId, times: 4 });
    await publisher.idle();
    await own.start();
    await redisReady(publishersRedis);
    await publisher.sweep(0);
    await client.until('events', ({ events }) => events.length === 7);
    expect(client.seqs()).toEqual(range(1, 7));
    expect(client.resyncs).toEqual([]);
    // The events came on the gateway's connection, so it is there again.
    expect(await client.subscribe(`campaign:${campaignId}`)).toMatchObject({ ok: true });
  });

  test('rings that nobody heard are made up for', async ({ live }) => {
    const own = await ownRedis(live);
    const { accountId, campaignId, token, redis, outbox, publisher, url, gateway } = await setUp(
      live,
      own.url,
    );
    const client = await live.client(url, token);
    await client.subscribed('campaigns');
    for (const round of range(1, 5)) {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');
      await rename(outbox, { accountId, campaignId, times: 10 });
      await publisher.idle();
      await gateway.beat();
      await client.until('events', ({ events }) => events.length === 10 * round);
    }
    expect(client.seqs()).toEqual(range(1, 50));
  });

  test('a log trimmed past a reader that lagged behind is told as such', async ({ live }) => {
    const { accountId, campaignId, token, redis, outbox, url, gateway } = await setUp(live);
    const client = await live.client(url, token);
    const topic = `campaign:${campaignId}`;
    await client.subscribed(topic);
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    // As if nine more had been published unheard, and all but the last trimmed.
    const { head, stream } = topicKeys(live.prefix, topic);
    await redis.multi().hset(head, 'seq', 12).xadd(stream, '12-0', 't', 0, 'e', '{}').exec();
    await redis.xtrim(stream, 'MAXLEN', 1);
    await gateway.beat();
    await client.until('resync', ({ resyncs }) => resyncs.length > 0);
    expect(client.resyncs).toEqual([{ topic, code: 'trimmed' }]);
    expect(client.seqs()).toEqual([1, 2, 3]);
    expect(await client.subscribe(topic)).toMatchObject({ recovered: false, cursor: { seq: 12 } });
  });
});

describe.for(transports)('a log that was damaged over %s', (transport) => {
  test.override('transport', transport);

  test.for([
    ['an entry is missing', { del: true }],
    ['an entry cannot be read', { del: false }],
  ] as const)('heals with one snapshot: %s', async ([, { del }], { live }) => {
    const { accountId, campaignId, token, redis, outbox, publisher, url } = await setUp(live);
    const topic = `campaign:${campaignId}`;
    const early = await live.client(url, token);
    const { cursor } = await early.subscribed(topic);
    early.close();
    // The hole lies beyond what is looked at before a cursor is accepted.
    await rename(outbox, { accountId, campaignId, times: 600 });
    await publisher.idle();
    const { stream } = topicKeys(live.prefix, topic);
    if (del) await redis.xdel(stream, '550-0');
    else await redis.eval(breakEntry, 1, stream, 550);
    const client = await live.client(url, token);
    await client.subscribed(topic, cursor);
    await client.until('resync', ({ resyncs }) => resyncs.length === 1);
    expect(client.resyncs).toEqual([{ topic, code: 'trimmed' }]);
    expect(client.seqs().every((seq) => seq < 550)).toBe(true);
    // With the same cursor, as a client does that has applied nothing yet.
    const again = await client.subscribed(topic, cursor);
    expect(again).toMatchObject({ recovered: false, cursor: { epoch: cursor.epoch, seq: 600 } });
    await rename(outbox, { accountId, campaignId });
    await client.until('event', ({ events }) => events.at(-1)?.seq === 601);
    expect(await client.subscribe(topic, { epoch: cursor.epoch, seq: 550 })).toMatchObject({
      recovered: true,
    });
  });
});

describe.for(transports)('Postgres over %s', (transport) => {
  test.override('transport', transport);

  test('away: a snapshot is refused, a cursor of a known campaign still goes on', async ({ live }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(live.db, accountId);
    const topic = `campaign:${campaignId}`;
    const real = live.db;
    let isAway = false;
    const pool = new Proxy(real, {
      get: (target, name) =>
        name === 'query' && isAway
          ? () => Promise.reject(new Error('connection terminated'))
          : (Reflect.get(target, name) as unknown),
    });
    const { url } = await live.gateway({ pool });
    const client = await live.client(url, token);
    const { cursor } = await client.subscribed(topic);
    isAway = true;
    expect(await client.subscribe('campaigns')).toEqual({ ok: false, code: 'unavailable' });
    expect(await client.subscribe(topic, cursor)).toMatchObject({ ok: true, recovered: true });
  });
});

describe.for(transports)('a slow consumer over %s', (transport) => {
  test.override('transport', transport);

  test('loses its subscription and bounded memory, others notice nothing', async ({ live }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(live.db, accountId);
    const { outbox, publisher } = await live.publishing();
    const { url } = await live.gateway({ backlogLimit: 4_000_000 });
    const slow = await live.client(url, token);
    const fast = await live.client(url, token);
    await Promise.all([slow.subscribed('campaigns'), fast.subscribed('campaigns')]);
    const goOn = slow.hang();
    // More than the kernel's buffers on both sides hold.
    const padding = 'x'.repeat(400_000);
    for (const n of range(1, 60)) {
      await rename(outbox, { accountId, campaignId, padding });
      await fast.until('event', ({ events }) => events.length === n);
    }
    expect(fast.seqs()).toEqual(range(1, 60));
    expect(fast.resyncs).toEqual([]);
    goOn();
    await slow.until('resync', ({ resyncs }) => resyncs.length === 1);
    expect(slow.resyncs).toEqual([{ topic: 'campaigns', code: 'too_slow' }]);
    const got = slow.events.length;
    expect(got).toBeLessThan(60);
    expect(slow.seqs()).toEqual(range(1, got));
    const { epoch } = slow.events[0] ?? { epoch: '' };
    expect(await slow.subscribe('campaigns', { epoch, seq: got })).toMatchObject({ recovered: true });
    await slow.until('the rest', ({ events }) => events.length === 60);
    expect(slow.seqs()).toEqual(range(1, 60));
    await publisher.idle();
  });

  test('a large snapshot that waits is no slowness', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    // 12 MB: more than the kernel's buffers on both sides hold.
    const callerIds = range(1, 1_000).map((n) => `+1202555${1_000 + n}`);
    for (const _ of range(1, 900)) await addCampaign(db, accountId, { callerIds });
    const { outbox } = await live.publishing();
    const registry = new Registry();
    const { url } = await live.gateway({ backlogLimit: 100_000, registry });
    const [slow, fast] = [await live.client(url, token), await live.client(url, token)];
    await fast.subscribed('campaigns');
    const goOn = slow.hang();
    const answer = slow.subscribed('campaigns');
    await expect
      .poll(async () => (await registry.metrics()).includes('dialstream_stream_subscriptions 2'))
      .toBe(true);
    // This snapshot is not taken before the slow one's, so that both are live then.
    await fast.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 20 });
    await fast.until('events', ({ events }) => events.length === 20);
    goOn();
    expect(await answer).toMatchObject({ recovered: false, cursor: { seq: 0 } });
    await slow.until('events', ({ events }) => events.length === 20);
    expect(slow.seqs()).toEqual(range(1, 20));
    expect(slow.resyncs).toEqual([]);
  });

  test('that asks and asks but reads no answer is disconnected', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const callerIds = range(1, 1_000).map((n) => `+1202555${1_000 + n}`);
    for (const _ of range(1, 30)) await addCampaign(db, accountId, { callerIds });
    const { url, gateway } = await live.gateway({ messageLimit: { burst: 100, perSecond: 1 } });
    const silent = await live.client(url, token);
    const reading = await live.client(url, token);
    const goOn = silent.hang();
    let asked = 0;
    while (gateway.connections() === 2 && asked < 300) {
      silent.ask('subscribe', { topic: 'campaigns' }).catch(() => undefined);
      if (asked % 10 === 0) await reading.subscribed('campaigns');
      asked += 1;
    }
    await expect.poll(() => gateway.connections(), { timeout: 20_000 }).toBe(1);
    expect(reading.isConnected).toBe(true);
    goOn();
  });
});

describe.for(transports)('closing over %s', (transport) => {
  test.override('transport', transport);

  test('disconnects clients and leaves the HTTP server to its owner', async ({ live }) => {
    const { token } = await live.account();
    const { url, gateway } = await live.gateway();
    const client = await live.client(url, token);
    await client.subscribed('campaigns');
    await gateway.close();
    await client.until('disconnect', ({ isConnected }) => !isConnected);
    // Reachable still: there is just nothing at this address.
    await expect(fetch(`${url}/nowhere`, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/i);
  });
});
