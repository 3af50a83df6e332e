import {
  campaignsStore,
  campaignStore,
  connect,
  fullJitter,
  type CampaignsView,
  type CampaignView,
  type Gap,
  type LiveClient,
  type LiveEvent,
  type LiveStore,
} from '@dialstream/client-sdk';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { callsUnderWay } from '@dialstream/shared/db/calls.js';
import { findCampaign, listCampaigns } from '@dialstream/shared/db/campaigns.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import { storedTopic, topicKeys, type TopicName } from '@dialstream/shared/events/topics.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import { addCampaign } from '../../support/records.js';
import { rename } from './changes.js';
import { CuttingProxy } from './cutting-proxy.js';
import { describe, expect, test, type Live } from './live.js';
import { RandomChanges, seededRandom } from './random-changes.js';

const soon = fullJitter({ baseMs: 20, capMs: 60 });

/** What both the stream and Postgres tell of a campaign. */
function told({
  id,
  name,
  status,
  statusReason,
  version,
  counts,
  countsVersion,
  ...rest
}: Omit<Campaign, 'bot'>) {
  const { activeAttempts, startedAt, finishedAt } = rest;
  const { code } = statusReason;
  return { id, name, status, code, version, counts, countsVersion, activeAttempts, startedAt, finishedAt };
}

async function callsInPostgres(db: Pool, campaignId: string) {
  const calls = await callsUnderWay(db, campaignId, 10_000);
  return calls
    .map(({ id, status, attempt, version }) => ({
      id,
      status,
      number: attempt?.number,
      state: attempt?.state,
      version,
    }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

function callsInStore({ calls }: CampaignView) {
  return [...calls.values()]
    .map(({ id, status, attempt: { number, state }, version }) => ({ id, status, number, state, version }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

/** Waits until a store has applied all that was published to its topic. */
async function upToDate(
  live: Live,
  redis: Redis,
  accountId: string,
  topic: TopicName,
  store: LiveStore<CampaignsView> | LiveStore<CampaignView>,
): Promise<void> {
  const { head } = topicKeys(live.prefix, storedTopic(accountId, topic));
  const [epoch, seq] = await redis.hmget(head, 'epoch', 'seq');
  await until(
    () =>
      store.get().freshness === 'live' && store.cursor?.epoch === epoch && store.cursor?.seq === Number(seq),
    { withinMs: 20_000, what: `store of ${topic} at ${seq}` },
  );
}

function client(live: Live, url: string, token: string): LiveClient {
  const connected = connect({ url, token, reconnect: soon });
  live.defer(() => connected.close());
  return connected;
}

/** Events and announced gaps in the order in which a subscriber got them. */
function follow(live: Live, url: string, token: string, topic: TopicName) {
  const log: (LiveEvent | Gap | 'snapshot')[] = [];
  client(live, url, token).subscribe(topic, {
    onEvent: (event) => log.push(event),
    onGap: (gap) => log.push(gap),
    onSnapshot: () => log.push('snapshot'),
  });
  return log;
}

/** Each event follows the one before, unless a snapshot stands between them. */
function doubledOrMissing(log: (LiveEvent | Gap | 'snapshot')[]): string[] {
  const faults: string[] = [];
  let last: LiveEvent | null = null;
  for (const one of log) {
    if (one === 'snapshot') last = null;
    if (typeof one === 'string' || !('seq' in one)) continue;
    if (last !== null && one.seq !== last.seq + 1) faults.push(`${one.seq} after ${last.seq}`);
    last = one;
  }
  return faults;
}

/** In the name of the test, so that a failure can be run again. */
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe('the stores of the SDK', () => {
  test(`equal Postgres after random changes over connections that are cut, TEST_SEED=${seed}`, async ({
    live,
    db,
  }) => {
    const random = seededRandom(seed);
    const { accountId, token } = await live.account();
    const redis = await live.redis();
    const { outbox, publisher } = await live.publishing(redis);
    const changes = new RandomChanges(db, outbox, accountId, random);
    await changes.begin(4);
    const gateways = [await live.gateway(), await live.gateway({ replayLimit: 40 })];
    const proxy = new CuttingProxy(
      gateways.map(({ url }) => Number(new URL(url).port)),
      random,
    );
    live.defer(() => proxy.close());
    const url = await proxy.start();
    const campaignId = changes.campaignIds[0] ?? '';
    const topic: TopicName = `campaign:${campaignId}`;
    const clients = Array.from({ length: 4 }, () => client(live, url, token));
    const all = clients.map((one) => campaignsStore(one));
    const ofOne = clients.map((one) => campaignStore(one, campaignId));
    const logs = [follow(live, url, token, 'campaigns'), follow(live, url, token, topic)];

    for (let i = 1; i <= 600; i += 1) {
      await changes.step();
      if (i % 12 === 0) proxy.cut(0.4);
      if (i % 60 === 0) await Promise.all(gateways.map(({ gateway }) => gateway.beat()));
    }
    await publisher.idle();
    await Promise.all([
      ...all.map((store) => upToDate(live, redis, accountId, 'campaigns', store)),
      ...ofOne.map((store) => upToDate(live, redis, accountId, topic, store)),
    ]);

    const campaigns = await listCampaigns(db, { accountId, limit: 500 });
    const campaign = await findCampaign(db, accountId, campaignId);
    const calls = await callsInPostgres(db, campaignId);
    for (const store of all) {
      expect(store.get().campaigns.map((one) => told(one as Campaign))).toEqual(campaigns.map(told));
    }
    for (const store of ofOne) {
      expect(told(store.get().campaign as Campaign)).toEqual(told(campaign as Campaign));
      expect(callsInStore(store.get())).toEqual(calls);
    }
    expect(logs.map(doubledOrMissing)).toEqual([[], []]);
    expect(proxy.cuts).toBeGreaterThan(20);
  });

  test('heal when Redis has lost a topic', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const redis = await live.redis();
    const { outbox, publisher } = await live.publishing(redis);
    const { url, gateway } = await live.gateway();
    const gaps: Gap[] = [];
    const store = campaignsStore(client(live, url, token), { onGap: (gap) => gaps.push(gap) });
    await until(() => store.get().freshness === 'live', { withinMs: 10_000, what: 'store' });
    await rename(outbox, { accountId, campaignId, times: 3 });
    await publisher.idle();
    await upToDate(live, redis, accountId, 'campaigns', store);
    const keys = topicKeys(live.prefix, storedTopic(accountId, 'campaigns'));
    await redis.del(keys.head, keys.stream);
    await db.query(`update campaigns set name = 'changed', version = version + 1 where id = $1`, [
      campaignId,
    ]);
    await gateway.beat();
    const name = (): string | undefined => store.get().byId.get(campaignId)?.name;
    await until(() => name() === 'changed', { withinMs: 10_000, what: 'the new snapshot' });
    expect(gaps.map(({ cause, code }) => [cause, code])).toEqual([
      ['resync', 'epoch_changed'],
      ['not_recovered', null],
    ]);
    await rename(outbox, { accountId, campaignId });
    await until(() => name() === 'version 6', { withinMs: 10_000, what: 'the next event' });
  });

  test('tell listeners once for what comes together, and keep their object until then', async ({
    live,
    db,
  }) => {
    const { accountId, token } = await live.account();
    await addCampaign(db, accountId);
    const { url } = await live.gateway();
    const store = campaignsStore(client(live, url, token));
    const first = store.get();
    expect(first).toMatchObject({ freshness: 'loading', campaigns: [] });
    expect(store.get()).toBe(first);
    await within(
      10_000,
      'live',
      new Promise<void>((resolve) => {
        store.subscribe(() => {
          if (store.get().freshness === 'live') resolve();
        });
      }),
    );
    expect(store.get()).not.toBe(first);
    expect(store.get().campaigns).toHaveLength(1);
    store.close();
    expect(store.get()).toMatchObject({ freshness: 'closed', campaigns: [{}] });
  });
});
