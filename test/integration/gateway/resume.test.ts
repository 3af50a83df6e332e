import { storedTopic, topicKeys } from '@dialstream/shared/events/topics.js';
import type { Publisher } from '@dialstream/shared/events/publisher.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { describe, expect, test, type Live } from './live.js';
import { transports } from './raw-client.js';

/** An account whose `campaigns` topic has events 1 to `events`, and a gateway. */
async function withEvents(live: Live, events: number, gatewayOptions = {}) {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(live.db, accountId);
  const redis = await live.redis();
  const { outbox, publisher } = await live.publishing();
  const { url, gateway } = await live.gateway(gatewayOptions);
  const client = await live.client(url, token);
  const { cursor } = await client.subscribed('campaigns');
  await rename(outbox, { accountId, campaignId, times: events });
  await publisher.idle();
  const keys = topicKeys(live.prefix, storedTopic(accountId, 'campaigns'));
  return {
    accountId,
    campaignId,
    token,
    outbox,
    publisher,
    url,
    gateway,
    client,
    redis,
    keys,
    epoch: cursor.epoch,
  };
}

describe.for(transports)('resuming over %s', (transport) => {
  test.override('transport', transport);

  test('goes on after the cursor: answer, then what was missed, then live events', async ({ live }) => {
    const { url, token, epoch, outbox, accountId, campaignId } = await withEvents(live, 30);
    const client = await live.client(url, token);
    const ack = await client.subscribe('campaigns', { epoch, seq: 12 });
    expect(ack).toEqual({ ok: true, topic: 'campaigns', recovered: true, cursor: { epoch, seq: 12 } });
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.at(-1)?.seq === 33);
    expect(client.seqs()).toEqual(range(13, 33));
    expect(client.order.indexOf('subscribe answered')).toBe(0);
  });

  test('works from the head, with nothing to replay', async ({ live }) => {
    const { url, token, epoch, outbox, accountId, campaignId } = await withEvents(live, 3);
    const client = await live.client(url, token);
    expect(await client.subscribe('campaigns', { epoch, seq: 3 })).toMatchObject({ recovered: true });
    await rename(outbox, { accountId, campaignId });
    await client.until('event', ({ events }) => events.length === 1);
    expect(client.seqs()).toEqual([4]);
  });

  test('replays more than one batch while events go on', async ({ live }) => {
    const { url, token, epoch, outbox, accountId, campaignId } = await withEvents(live, 1_200);
    const clients = await Promise.all(range(1, 5).map(() => live.client(url, token)));
    const publishing = rename(outbox, { accountId, campaignId, times: 200 });
    for (const [i, client] of clients.entries()) {
      expect(await client.subscribe('campaigns', { epoch, seq: i })).toMatchObject({ recovered: true });
    }
    await publishing;
    for (const [i, client] of clients.entries()) {
      await client.until('last event', ({ events }) => events.at(-1)?.seq === 1_400);
      expect(client.seqs()).toEqual(range(i + 1, 1_400));
    }
  });

  test.for([
    ['ahead of the head', (epoch: string) => ({ epoch, seq: 31 })],
    ['of another epoch', () => ({ epoch: 'gone', seq: 3 })],
    ['further behind than is replayed', (epoch: string) => ({ epoch, seq: 9 })],
  ] as const)('begins with a snapshot for a cursor %s', async ([, cursorOf], { live }) => {
    const { url, token, epoch } = await withEvents(live, 30, { replayLimit: 20 });
    const client = await live.client(url, token);
    const ack = await client.subscribe('campaigns', cursorOf(epoch));
    expect(ack).toMatchObject({
      ok: true,
      recovered: false,
      cursor: { epoch, seq: 30 },
      snapshot: { campaigns: [{ version: 31 }] },
    });
  });

  test('begins with a snapshot for a cursor that the log was trimmed past', async ({ live }) => {
    const { url, token, epoch, redis, keys, outbox, accountId, campaignId } = await withEvents(live, 30);
    await redis.xtrim(keys.stream, 'MINID', 20);
    const client = await live.client(url, token);
    expect(await client.subscribe('campaigns', { epoch, seq: 18 })).toMatchObject({
      recovered: false,
      cursor: { seq: 30 },
    });
    expect(await client.subscribe('campaigns', { epoch, seq: 19 })).toMatchObject({ recovered: true });
    await rename(outbox, { accountId, campaignId });
    await client.until('last event', ({ events }) => events.at(-1)?.seq === 31);
    expect(client.seqs()).toEqual(range(20, 31));
  });

  test('takes a cursor from one gateway to another, back and forth, and misses nothing', async ({ live }) => {
    const { url, token, outbox, publisher, accountId, campaignId } = await withEvents(live, 1);
    const second = await live.gateway();
    const publishing = rename(outbox, { accountId, campaignId, times: 300 });
    const seen: number[] = [];
    let cursor: { epoch: string; seq: number } | undefined;
    for (const round of range(1, 10)) {
      const client = await live.client(round % 2 === 0 ? url : second.url, token);
      const ack = await client.subscribed('campaigns', cursor);
      if (cursor === undefined) seen.push(...range(1, ack.cursor.seq));
      else expect(ack.recovered).toBe(true);
      await client.until('some events', ({ events }) => events.length >= 15);
      client.close();
      seen.push(...client.seqs());
      const last = client.events.at(-1);
      cursor = { epoch: last?.epoch ?? '', seq: last?.seq ?? 0 };
    }
    await publishing;
    await publisher.idle();
    const client = await live.client(url, token);
    await client.subscribed('campaigns', cursor);
    await client.until('last event', ({ events }) => events.at(-1)?.seq === 301);
    expect([...seen, ...client.seqs()]).toEqual(range(1, 301));
  });

  test('accepts a cursor that another gateway was faster to reach', async ({ live }) => {
    const { url, token, client, epoch, redis, keys } = await withEvents(live, 3);
    await client.until('events', ({ events }) => events.length === 3);
    // Published, but this gateway has not heard of it yet.
    const body = JSON.stringify({
      specversion: '1.0',
      id: 'x',
      type: 'campaign.updated',
      subject: 'x',
      data: {},
    });
    await redis.multi().hset(keys.head, 'seq', 4).xadd(keys.stream, '4-0', 't', 0, 'e', body).exec();
    const returning = await live.client(url, token);
    const ack = await returning.subscribe('campaigns', { epoch, seq: 4 });
    expect(ack).toMatchObject({ ok: true, recovered: true });
    await client.until('the event', ({ events }) => events.length === 4);
    expect(returning.events).toEqual([]);
  });

  test('gives in order what a dead publisher had left', async ({ live }) => {
    const { client, publisher, outbox, accountId, campaignId } = await withEvents(live, 2);
    const dead: Publisher = { ...publisher, publish: () => undefined };
    await rename(createOutbox({ pool: live.db, publisher: dead }), { accountId, campaignId, times: 5 });
    await publisher.sweep(0);
    await rename(outbox, { accountId, campaignId });
    await client.until('last event', ({ events }) => events.at(-1)?.seq === 8);
    expect(client.seqs()).toEqual(range(1, 8));
    expect(client.events.map(({ data }) => (data as { version: number }).version)).toEqual(range(2, 9));
  });

  test('tells in heartbeats exactly what was sent', async ({ live }) => {
    const { client, gateway, epoch, token, url } = await withEvents(live, 4);
    await client.until('events', ({ events }) => events.length === 4);
    const idle = await live.client(url, token);
    await gateway.beat();
    await client.until('heartbeat', ({ heartbeats }) => heartbeats.length === 1);
    expect(client.heartbeats[0]).toEqual({ campaigns: { epoch, seq: 4 } });
    await idle.until('heartbeat', ({ heartbeats }) => heartbeats.length === 1);
    expect(idle.heartbeats[0]).toEqual({});
  });
});
