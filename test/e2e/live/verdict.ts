import { isDeepStrictEqual } from 'node:util';
import type { CampaignsView, CampaignView } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import { campaignOf, storedTopic, type TopicName } from '@dialstream/shared/events/topics.js';
import {
  callsShown,
  campaignInPostgres,
  campaignsInPostgres,
} from '../../integration/client-sdk/followers.js';
import { committedCounts, committedTo, type Place } from './committed.js';
import type { AnyStore, Follower } from './followers.js';
import { endOf, faultsOf } from './oracle.js';
import type { Scene } from './scene.js';

/** What both a store and Postgres have of a topic. */
type Shown =
  | { campaigns: CampaignsView['campaigns'] }
  | { campaign: CampaignView['campaign']; calls: object[] };

/** Everything that is wrong once all is quiet again: an empty list is what a test hopes for. */
export async function faultsIn(scene: Scene, followers: readonly Follower[]): Promise<string[]> {
  const topics = [...new Set(followers.flatMap(({ records }) => records.map(({ topic }) => topic)))];
  const heads = new Map<TopicName, Cursor>();
  const held = new Map<TopicName, Shown>();
  for (const topic of topics) {
    heads.set(topic, await scene.head(topic));
    held.set(topic, await inPostgres(scene, topic));
  }
  const late = await Promise.all(
    followers.flatMap((follower) =>
      follower.records.map(({ topic }) => lateOrWrong(follower, topic, heads.get(topic), held.get(topic))),
    ),
  );
  return [
    ...(await wrongRecords(scene, followers, heads)),
    ...(await wrongCounts(scene, followers)),
    ...late.flat(),
  ].slice(0, faultsAtMost);
}

/** One fault brings others with it; the first ones tell. */
const faultsAtMost = 12;

/** Waits until a store of a follower is live and has all; then it must equal Postgres. */
async function lateOrWrong(
  follower: Follower,
  topic: TopicName,
  head: Cursor | undefined,
  held: Shown | undefined,
): Promise<string[]> {
  const isStream = follower.mode === 'stream';
  const wanted = held && (isStream ? held : withoutCalls(held));
  // Loading its page anew gives a follower other stores.
  const store = (): AnyStore | undefined => follower.stores.get(topic);
  const isThere = (): boolean => {
    const now = store();
    if (now?.get().freshness !== 'live') return false;
    // Of what `latest` leaves out only the next heartbeat tells, which is far.
    return isStream ? isDeepStrictEqual(now.cursor, head) : isDeepStrictEqual(inStore(now), wanted);
  };
  await until(isThere, { withinMs: 30_000, what: topic }).catch(() => undefined);
  const end = store();
  if (end === undefined) return [`${follower.who}, ${topic}: no store`];
  if (isThere() && isDeepStrictEqual(inStore(end), wanted)) return [];
  const { freshness, subscription } = end.get();
  return [
    `${follower.who}, ${topic}: ${freshness} (${subscription.reason}) at ${at(end.cursor)} of ${at(head)}, ` +
      firstDifference(inStore(end), wanted),
  ];
}

/** Names the first part in which two values differ, and how. */
function firstDifference(shown: unknown, held: unknown, path = ''): string {
  if (isDeepStrictEqual(shown, held)) return 'shows what Postgres holds';
  if (isObject(shown) && isObject(held)) {
    const keys = [...new Set([...Object.keys(shown), ...Object.keys(held)])];
    const key = keys.find((one) => !isDeepStrictEqual(shown[one], held[one])) ?? '';
    return firstDifference(shown[key], held[key], `${path}.${key}`);
  }
  return `shows ${path} as ${JSON.stringify(shown)}, Postgres holds ${JSON.stringify(held)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** In `latest` mode calls are left out. */
function withoutCalls(shown: Shown): Shown {
  return 'calls' in shown ? { ...shown, calls: [] } : shown;
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

function inStore(store: AnyStore): Shown {
  const view = store.get();
  return 'campaigns' in view
    ? { campaigns: view.campaigns }
    : { campaign: view.campaign, calls: callsShown(view) };
}

async function inPostgres({ db, accountId }: Scene, topic: TopicName): Promise<Shown> {
  const id = campaignOf(topic);
  return id === null
    ? { campaigns: await campaignsInPostgres(db, accountId) }
    : campaignInPostgres(db, accountId, id);
}

function at(cursor: Cursor | null | undefined): string {
  return cursor ? `${cursor.epoch} ${cursor.seq}` : 'nothing';
}
