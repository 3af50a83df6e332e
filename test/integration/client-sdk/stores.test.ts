import { campaignsStore, type Gap, type LiveClient } from '@dialstream/client-sdk';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import { storedTopic, topicKeys, type TopicName } from '@dialstream/shared/events/topics.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import { addCampaign } from '../../support/records.js';
import { rename } from '../gateway/changes.js';
import { CuttingProxy } from '../gateway/cutting-proxy.js';
import { describe, expect, test, type Live } from '../gateway/live.js';
import { seededRandom } from '../../support/seeded-random.js';
import { RandomChanges } from '../gateway/random-changes.js';
import { transports } from '../gateway/raw-client.js';
import {
  allCampaigns,
  callsShown,
  campaignInPostgres,
  campaignsInPostgres,
  client,
  doubledOrMissing,
  follow,
  oneCampaign,
  type Log,
  type Reloaded,
} from './followers.js';

/** Waits until a store has applied all that was published to its topic. */
async function upToDate(
  { live, redis, accountId }: { live: Live; redis: Redis; accountId: string },
  { topic, store }: { topic: TopicName; store: Reloaded<{ freshness: string }>['store'] },
): Promise<void> {
  const { head } = topicKeys(live.prefix, storedTopic(accountId, topic));
  const [epoch, seq] = await redis.hmget(head, 'epoch', 'seq');
  await until(
    () =>
      store.get().freshness === 'live' && store.cursor?.epoch === epoch && store.cursor?.seq === Number(seq),
    { withinMs: 20_000, what: `store of ${topic} at ${seq}` },
  );
}

/** Reads a topic slowly, by iterating with room for little. */
async function readSlowly(of: LiveClient, topic: TopicName, log: Log, signal: AbortSignal): Promise<void> {
  for await (const item of of.events(topic, { capacity: 10, signal })) {
    log.push(item.kind === 'event' ? item.event : item.kind === 'gap' ? item.gap : 'snapshot');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** In the name of the test, so that a failure can be run again. */
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe.for(transports)('the stores of the SDK over %s', (transport) => {
  test.override('transport', transport);

  test(`equal Postgres after random changes, cuts, reloads and newcomers, TEST_SEED=${seed}`, async ({
    live,
    db,
  }) => {
    const random = seededRandom(seed);
    const { accountId, token } = await live.account();
    const redis = await live.redis();
    const { outbox, publisher } = await live.publishing(redis);
    const changes = new RandomChanges(db, outbox, accountId, random);
    await changes.begin(4);
    const often = { latestEveryMs: 40 };
    const gateways = [await live.gateway(often), await live.gateway({ ...often, replayLimit: 40 })];
    const ports = gateways.map(({ url }) => Number(new URL(url).port));
    const proxy = new CuttingProxy(ports, random);
    live.defer(() => proxy.close());
    const url = await proxy.start();
    const beat = () => Promise.all(gateways.map(({ gateway }) => gateway.beat()));
    const id = changes.campaignIds[0] ?? '';
    const topic: TopicName = `campaign:${id}`;
    const clients = Array.from({ length: 4 }, () => client(live, url, token, transport));
    const [streams, both, latest, logging] = clients as [LiveClient, LiveClient, LiveClient, LiveClient];
    const lists = [allCampaigns(streams), allCampaigns(both)];
    const latestLists = [allCampaigns(both, 'latest'), allCampaigns(latest, 'latest')];
    const ones = [oneCampaign(streams, id), oneCampaign(both, id)];
    const latestOnes = [oneCampaign(both, id, 'latest'), oneCampaign(latest, id, 'latest')];
    const stores = [...lists, ...latestLists, ...ones, ...latestOnes];
    const followers = [follow(logging, 'campaigns'), follow(logging, topic)];
    const ending = new AbortController();
    const slowLog: Log = [];
    const reading = readSlowly(logging, topic, slowLog, ending.signal);

    for (let i = 1; i <= 500; i += 1) {
      await changes.step();
      if (i % 12 === 0) proxy.cut(0.4);
      if (i % 25 === 0) stores[Math.floor(random() * stores.length)]?.reload();
      if (i % 40 === 0) followers.push(follow(logging, random() < 0.5 ? 'campaigns' : topic));
      if (i % 90 === 0) followers[Math.floor(random() * followers.length)]?.close();
      if (i % 60 === 0) await beat();
    }
    await publisher.idle();
    const beating = setInterval(() => void beat(), 100);
    live.defer(() => clearInterval(beating));
    await Promise.all(stores.map((store) => upToDate({ live, redis, accountId }, store)));
    ending.abort();
    await reading;

    const campaigns = await campaignsInPostgres(db, accountId);
    for (const { store } of [...lists, ...latestLists]) expect(store.get().campaigns).toEqual(campaigns);
    const { campaign, calls } = await campaignInPostgres(db, accountId, id);
    for (const { store } of [...ones, ...latestOnes]) expect(store.get().campaign).toEqual(campaign);
    for (const { store } of ones) expect(callsShown(store.get())).toEqual(calls);
    for (const { store } of latestOnes) expect(store.get().calls.size).toBe(0);
    for (const { log } of followers) expect(doubledOrMissing(log)).toEqual([]);
    expect(doubledOrMissing(slowLog)).toEqual([]);
    expect(slowLog.length).toBeGreaterThan(20);
    expect(proxy.cuts).toBeGreaterThan(20);
  });

  test('heal when Redis has lost a topic', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const redis = await live.redis();
    const { outbox, publisher } = await live.publishing(redis);
    const { url, gateway } = await live.gateway();
    const gaps: Gap[] = [];
    const store = campaignsStore(client(live, url, token, transport), { onGap: (gap) => gaps.push(gap) });
    await until(() => store.get().freshness === 'live', { withinMs: 10_000, what: 'store' });
    await rename(outbox, { accountId, campaignId, times: 3 });
    await publisher.idle();
    await upToDate({ live, redis, accountId }, { topic: 'campaigns', store });
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
    const store = campaignsStore(client(live, url, token, transport));
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
