import { callsUnderWay } from '@dialstream/shared/db/calls.js';
import { findCampaign, listCampaigns } from '@dialstream/shared/db/campaigns.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { AnySnapshot, CampaignSnapshot, SystemSnapshot } from '@dialstream/shared/events/snapshots.js';
import { campaignOf } from '@dialstream/shared/events/topics.js';
import { shareInFlight } from './share-in-flight.js';
import type { Topic } from './topic-access.js';
import type { TopicFeed } from './topic-feed.js';

/** Campaigns in a snapshot of `campaigns` at most, the newest; older ones come by HTTP. */
const campaignsAtMost = 1_000;
/** Calls in a snapshot of a campaign at most. */
const callsAtMost = 10_000;

/** State of a topic at or after `cursor`. */
export interface Snapshot {
  cursor: Cursor;
  state: AnySnapshot;
}

/**
 * Takes snapshots. Null: what the topic is about does not exist (any more). Those who ask for one topic
 * while a query runs share its result: the position it starts from was read before it, so it is theirs too.
 */
export type TakeSnapshot = (feed: TopicFeed) => Promise<Snapshot | null>;

export function createSnapshots(pool: Pool): TakeSnapshot {
  const share = shareInFlight<Snapshot | null>();
  return ({ topic, position }) =>
    // By topic, not by feed: whoever asks again and again has one query running all the same.
    share(`${topic.stored} ${position.epoch}`, async () => {
      // Position first, state after: every event up to it was committed before it was published.
      const state = await readState(pool, topic);
      return state && { cursor: position, state };
    });
}

async function readState(pool: Pool, { name, accountId }: Topic): Promise<AnySnapshot | null> {
  const campaignId = campaignOf(name);
  if (campaignId !== null) return readCampaignState(pool, accountId, campaignId);
  if (name === 'system') return readSystemState(pool, accountId);
  return { campaigns: await listCampaigns(pool, { accountId, limit: campaignsAtMost }) };
}

async function readCampaignState(
  pool: Pool,
  accountId: string,
  campaignId: string,
): Promise<CampaignSnapshot | null> {
  const campaign = await findCampaign(pool, accountId, campaignId);
  return campaign && { campaign, calls: await callsUnderWay(pool, campaignId, callsAtMost) };
}

/** What the account's calls depend on. Dialers serve all accounts; one that is gone is shown for an hour. */
async function readSystemState(pool: Pool, accountId: string): Promise<SystemSnapshot> {
  const { rows } = await pool.query<{ state: SystemSnapshot }>({
    name: 'system-snapshot',
    text: `select jsonb_build_object(
        'trunks', coalesce((select jsonb_agg(jsonb_build_object('id', id, 'name', name, 'host', host,
            'port', port, 'transport', transport, 'status', status, 'statusReason', status_reason) order by id)
          from trunks where account_id = a.id and deleted_at is null), '[]'),
        'dialers', coalesce((select jsonb_agg(jsonb_build_object('id', id, 'host', host, 'status',
            case when alive_until < now() then 'down' else status end) order by id)
          from dialers where alive_until > now() - interval '1 hour'), '[]'),
        'account', jsonb_build_object('id', id, 'name', name,
          'minutes', jsonb_build_object('balance', balance_seconds / 60.0, 'reserved', reserved_seconds / 60.0),
          'uniqueUsers', jsonb_build_object('limit', unique_users_limit, 'used', unique_users_used),
          'maxConcurrent', max_concurrent)
      ) as state from accounts a where id = $1`,
    values: [accountId],
  });
  return rows[0]?.state ?? { trunks: [], dialers: [], account: null };
}
