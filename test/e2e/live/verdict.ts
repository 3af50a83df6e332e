import { isDeepStrictEqual } from 'node:util';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { findCampaign, listCampaigns } from '@dialstream/shared/db/campaigns.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import { campaignOf, storedTopic, type TopicName } from '@dialstream/shared/events/topics.js';
import { callsInPostgres, callsInStore, told } from '../../integration/gateway/told.js';
import { committedCounts, committedTo, type Place } from './committed.js';
import type { AnyStore, Follower } from './followers.js';
import { endOf, faultsOf } from './oracle.js';
import type { Scene } from './scene.js';

/** Everything that is wrong once all is quiet again: an empty list is what a test hopes for. */
export async function faultsIn(scene: Scene, followers: readonly Follower[]): Promise<string[]> {
  const topics = [...new Set(followers.flatMap(({ records }) => records.map(({ topic }) => topic)))];
  const heads = new Map<TopicName, Cursor>();
  const held = new Map<TopicName, object>();
  for (const topic of topics) {
    heads.set(topic, await scene.head(topic));
    held.set(topic, await inPostgres(scene, topic));
  }
  const late = await Promise.all(followers.map((follower) => notCaughtUp(follower, heads, held)));
  return [
    ...late.flat(),
    ...(await wrongRecords(scene, followers, heads)),
    ...(await wrongCounts(scene, followers)),
  ].slice(0, faultsAtMost);
}

/** One fault brings others with it; the first ones tell. */
const faultsAtMost = 12;

/** Waits until the stores of a follower are live and equal Postgres. */
async function notCaughtUp(
  follower: Follower,
  heads: ReadonlyMap<TopicName, Cursor>,
  held: ReadonlyMap<TopicName, object>,
): Promise<string[]> {
  const { who, mode, records } = follower;
  const faults: string[] = [];
  for (const { topic } of records) {
    const [head, wanted] = [heads.get(topic), held.get(topic)];
    const isThere = (): boolean => {
      const store = follower.stores.get(topic);
      if (store?.get().freshness !== 'live') return false;
      // Of what `latest` leaves out, only the next heartbeat tells that it is there.
      if (mode === 'stream') return isDeepStrictEqual(store.cursor, head);
      return isDeepStrictEqual(inStore(store), {
        ...wanted,
        ...('calls' in (wanted ?? {}) && { calls: [] }),
      });
    };
    await until(isThere, { withinMs: 30_000, what: topic }).catch(() => undefined);
    const store = follower.stores.get(topic);
    if (store === undefined) faults.push(`${who}, ${topic}: no store`);
    else if (!isThere()) {
      const { freshness, subscription } = store.get();
      faults.push(
        `${who}, ${topic}: ${freshness} (${subscription.reason}) at ${at(store.cursor)} of ${at(head)}`,
      );
    } else if (mode === 'stream' && !isDeepStrictEqual(inStore(store), wanted)) {
      faults.push(
        `${who}, ${topic}: shows ${JSON.stringify(inStore(store))}, Postgres holds ${JSON.stringify(wanted)}`,
      );
    }
  }
  return faults;
}

async function wrongRecords(
  scene: Scene,
  followers: readonly Follower[],
  heads: ReadonlyMap<TopicName, Cursor>,
): Promise<string[]> {
  const committed = new Map<TopicName, Map<string, Place>>();
  for (const topic of heads.keys()) {
    committed.set(topic, await committedTo(scene.db, storedTopic(scene.accountId, topic)));
  }
  return followers.flatMap(({ records }) =>
    records.flatMap((record) => {
      const [end, head] = [endOf(record), heads.get(record.topic)];
      const faults = faultsOf(record, committed.get(record.topic) ?? new Map<string, Place>());
      if (record.mode === 'stream' && !isDeepStrictEqual(end, head))
        faults.push(`${record.who}, ${record.topic}: ends at ${at(end)} of ${at(head)}`);
      return faults;
    }),
  );
}

/** Whatever was shown at any time must have been so at some commit. */
async function wrongCounts(scene: Scene, followers: readonly Follower[]): Promise<string[]> {
  const counts = await committedCounts(scene.db);
  return followers.flatMap(({ who, shown, faults }) => [
    ...faults,
    ...[...shown].flatMap(([version, one]) =>
      isDeepStrictEqual(one, counts.get(version))
        ? []
        : [`${who} showed ${version} as ${JSON.stringify(one)}, not ${JSON.stringify(counts.get(version))}`],
    ),
  ]);
}

function inStore(store: AnyStore): object {
  const view = store.get();
  return 'campaigns' in view
    ? { campaigns: view.campaigns.map((one) => told(one as Campaign)) }
    : { campaign: view.campaign && told(view.campaign as Campaign), calls: callsInStore(view) };
}

async function inPostgres({ db, accountId }: Scene, topic: TopicName): Promise<object> {
  const id = campaignOf(topic);
  if (id === null) return { campaigns: (await listCampaigns(db, { accountId, limit: 1_000 })).map(told) };
  const campaign = await findCampaign(db, accountId, id);
  return { campaign: campaign && told(campaign), calls: await callsInPostgres(db, id) };
}

function at(cursor: Cursor | null | undefined): string {
  return cursor ? `${cursor.epoch} ${cursor.seq}` : 'nothing';
}
