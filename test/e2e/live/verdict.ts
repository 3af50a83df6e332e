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
  for (const topic of topics) heads.set(topic, await scene.head(topic));
  const late = await Promise.all(followers.map((follower) => notCaughtUp(follower, heads)));
  // What follows would only say the same in many words.
  if (late.flat().length > 0) return late.flat();
  return [
    ...(await wrongRecords(scene, followers, heads)),
    ...(await wrongCounts(scene, followers)),
    ...(await wrongStores(scene, followers)),
  ];
}

/** Waits until the stores of a follower are live and hold all that Redis has. */
async function notCaughtUp(
  { who, stores }: Follower,
  heads: ReadonlyMap<TopicName, Cursor>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [topic, store] of stores) {
    const head = heads.get(topic);
    const isThere = (): boolean => store.get().freshness === 'live' && isDeepStrictEqual(store.cursor, head);
    await until(isThere, { withinMs: 30_000, what: topic }).catch(() => {
      const { freshness, subscription } = store.get();
      faults.push(
        `${who}, ${topic}: ${freshness} (${subscription.reason}) at ${at(store.cursor)} of ${at(head)}`,
      );
    });
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
      if (!isDeepStrictEqual(end, head))
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

async function wrongStores(scene: Scene, followers: readonly Follower[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { who, stores } of followers) {
    for (const [topic, store] of stores) {
      const [shown, held] = [inStore(store), await inPostgres(scene, topic)];
      if (!isDeepStrictEqual(shown, held)) {
        faults.push(
          `${who}, ${topic}: shows ${JSON.stringify(shown)}, Postgres holds ${JSON.stringify(held)}`,
        );
      }
    }
  }
  return faults;
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
