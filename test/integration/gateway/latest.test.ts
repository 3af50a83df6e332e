import type { LiveEvent } from '@dialstream/shared/events/contract.js';
import { storedTopic, topicKeys } from '@dialstream/shared/events/topics.js';
import { addCampaign } from '../../support/records.js';
import { countChanges, range, rename } from './changes.js';
import { describe, expect, test, type Live } from './live.js';
import { seededRandom } from '../../support/seeded-random.js';
import { RandomChanges } from './random-changes.js';
import { transports, type RawClient } from './raw-client.js';

/** Where a mode has its end when a test wants no second hand-out. */
const never = 3_600_000;

async function setUp(live: Live, gatewayOptions: { latestEveryMs?: number; replayLimit?: number } = {}) {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(live.db, accountId);
  const { outbox, publisher } = await live.publishing();
  const { url, gateway } = await live.gateway(gatewayOptions);
  return { accountId, campaignId, token, outbox, publisher, url, gateway };
}

/** Whether each event says that nothing between it and the one before was meant for it. */
function expectUnbroken(events: readonly LiveEvent[], from: number): void {
  let last = from;
  for (const { seq, previousSeq } of events) {
    expect(previousSeq).toBeLessThanOrEqual(last);
    expect(seq).toBeGreaterThan(last);
    last = seq;
  }
}

/** The last counts of each campaign, and everything that is neither counts nor of a call. */
function lasting(events: readonly LiveEvent[]): { counts: Record<string, number>; others: number[] } {
  const counts: Record<string, number> = {};
  const others: number[] = [];
  for (const { type, subject, seq } of events) {
    if (type === 'campaign.counts') counts[subject] = seq;
    else if (type !== 'call.status_changed' && type !== 'attempt.changed') others.push(seq);
  }
  return { counts, others };
}

async function headOf(
  live: Live,
  accountId: string,
  topic: 'campaigns' | `campaign:${string}`,
): Promise<number> {
  const redis = await live.redis();
  return Number(await redis.hget(topicKeys(live.prefix, storedTopic(accountId, topic)).head, 'seq'));
}

/** Waits until the gateway says that it has told a client all up to the topic's head. */
async function caughtUp(
  client: RawClient,
  beat: () => Promise<void>,
  topic: string,
  seq: number,
): Promise<void> {
  await expect
    .poll(
      async () => {
        await beat();
        return client.heartbeats.at(-1)?.[topic]?.seq;
      },
      { timeout: 20_000 },
    )
    .toBe(seq);
}

describe.for(transports)('latest mode over %s', (transport) => {
  test.override('transport', transport);

  test('sends the first counts at once and keeps those that follow back', async ({ live }) => {
    const { accountId, campaignId, token, outbox, url } = await setUp(live, { latestEveryMs: never });
    const [latest, stream] = [await live.client(url, token), await live.client(url, token)];
    const { cursor } = await latest.subscribed('campaigns', undefined, 'latest');
    await stream.subscribed('campaigns');
    await countChanges(outbox, { accountId, campaignId, times: 1 });
    await latest.until('counts', ({ events }) => events.length === 1);
    await countChanges(outbox, { accountId, campaignId, times: 5 });
    await stream.until('all', ({ events }) => events.length === 6);
    // What had been sent to it would have come before this answer.
    await latest.ask('unsubscribe', { topic: 'campaign:none' });
    expect(latest.events).toMatchObject([{ seq: 1, previousSeq: 0, type: 'campaign.counts' }]);
    expect(latest.events[0]?.epoch).toBe(cursor.epoch);
  });

  test('replaces counts by later ones, and leaves nothing else out but calls', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const { outbox, publisher } = await live.publishing();
    const { url, gateway } = await live.gateway({ latestEveryMs: 30 });
    const changes = new RandomChanges(db, outbox, accountId, seededRandom(11));
    await changes.begin(3);
    await publisher.idle();
    const topic = `campaign:${changes.campaignIds[0]}` as const;
    const [latest, stream] = [await live.client(url, token), await live.client(url, token)];
    const from = await latest.subscribed('campaigns', undefined, 'latest');
    const own = await latest.subscribed(topic, undefined, 'latest');
    for (const each of ['campaigns', topic]) await stream.subscribed(each);
    for (const _ of range(1, 150)) await changes.step();
    await publisher.idle();
    for (const each of ['campaigns', topic] as const) {
      const head = await headOf(live, accountId, each);
      await caughtUp(latest, () => gateway.beat(), each, head);
      await stream.until('all', (client) => client.seqs(each).at(-1) === head);
      const got = latest.events.filter((event) => event.topic === each);
      const all = stream.events.filter((event) => event.topic === each);
      expectUnbroken(got, each === topic ? own.cursor.seq : from.cursor.seq);
      expect(lasting(got)).toEqual(lasting(all));
      expect(got.length).toBeLessThan(all.length);
    }
    expect(latest.events.some(({ type }) => type === 'attempt.changed')).toBe(false);
    expect(stream.events.some(({ type }) => type === 'attempt.changed')).toBe(true);
  });

  test('goes on from a cursor, with what it missed made as short', async ({ live }) => {
    const { accountId, campaignId, token, outbox, publisher, url } = await setUp(live);
    const first = await live.client(url, token);
    const { cursor } = await first.subscribed('campaigns', undefined, 'latest');
    first.close();
    await countChanges(outbox, { accountId, campaignId, times: 3 });
    await rename(outbox, { accountId, campaignId, times: 2 });
    await countChanges(outbox, { accountId, campaignId, times: 600 });
    await publisher.idle();
    const again = await live.client(url, token);
    expect(await again.subscribed('campaigns', cursor, 'latest')).toMatchObject({ recovered: true, cursor });
    await again.until('what was missed', ({ events }) => events.length === 3);
    expect(again.events).toMatchObject([
      { seq: 4, previousSeq: 0, type: 'campaign.updated' },
      { seq: 5, previousSeq: 4, type: 'campaign.updated' },
      { seq: 605, previousSeq: 5, type: 'campaign.counts' },
    ]);
  });

  test('one that comes while counts are kept back waits for them to go out, and gets none twice', async ({
    live,
  }) => {
    const { accountId, campaignId, token, outbox, url } = await setUp(live, { latestEveryMs: 300 });
    const [early, late] = [await live.client(url, token), await live.client(url, token)];
    await early.subscribed('campaigns', undefined, 'latest');
    await countChanges(outbox, { accountId, campaignId, times: 1 });
    await early.until('counts', ({ events }) => events.length === 1);
    await countChanges(outbox, { accountId, campaignId, times: 4 });
    const { cursor } = await late.subscribed('campaigns', undefined, 'latest');
    await early.until('the rest', ({ events }) => events.at(-1)?.seq === 5);
    await countChanges(outbox, { accountId, campaignId, times: 1 });
    await late.until('counts', ({ events }) => events.at(-1)?.seq === 6);
    expectUnbroken(early.events, 0);
    expectUnbroken(late.events, cursor.seq);
  });

  test('heartbeats tell how far it is and what was sent last', async ({ live, db }) => {
    const { accountId, campaignId, token, outbox, url, gateway } = await setUp(live);
    const client = await live.client(url, token);
    const topic = `campaign:${campaignId}` as const;
    const { cursor } = await client.subscribed(topic, undefined, 'latest');
    await gateway.beat();
    await client.until('heartbeat', ({ heartbeats }) => heartbeats.length === 1);
    expect(client.heartbeats[0]).toEqual({ [topic]: { ...cursor, sentSeq: 0 } });
    await rename(outbox, { accountId, campaignId });
    await client.until('event', ({ events }) => events.length === 1);
    // An attempt's change is left out: the head moves on without it.
    const changes = new RandomChanges(db, outbox, accountId, seededRandom(1));
    await changes.begin(0);
    await changes.attempt(campaignId);
    const head = await headOf(live, accountId, topic);
    await caughtUp(client, () => gateway.beat(), topic, head);
    const last = client.events.at(-1);
    expect(client.heartbeats.at(-1)?.[topic]).toMatchObject({ seq: head, sentSeq: last?.seq });
  });

  test('both modes of one topic on one connection are one subscription: the later one', async ({ live }) => {
    const { accountId, campaignId, token, outbox, url } = await setUp(live, { latestEveryMs: never });
    const client = await live.client(url, token);
    await client.subscribed('campaigns', undefined, 'latest');
    await client.subscribed('campaigns');
    await countChanges(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    expect(client.seqs()).toEqual([1, 2, 3]);
    expect(client.events.every(({ previousSeq }) => previousSeq === undefined)).toBe(true);
  });
});
