import { v7 as uuidv7 } from 'uuid';
import type { Campaign } from '../api/campaigns.js';
import type { CampaignSettings } from '../domain/campaign.js';
import type { CallStatus, CampaignStatus, ReasonCode } from '../domain/status.js';
import { campaignEvent, type Emit } from '../events/outbox.js';
import { toCounts } from './campaign-counts.js';
import type { Db, Tx } from './pool.js';

type CampaignRow = Record<CallStatus, number> & {
  id: string;
  name: string;
  status: CampaignStatus;
  reason_code: ReasonCode;
  reason_message: string;
  reason_actor: string;
  reason_at: Date;
  version: number;
  settings: Omit<CampaignSettings, 'name'>;
  active_attempts: number;
  counts_version: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
};

const columns = `c.*, n.planned, n.in_progress, n.retry_scheduled, n.answered, n.completed_without_answer,
  n.technical_error, n.not_dialed, n.plan_limit_exceeded, n.active_attempts, n.version as counts_version`;

function toCampaign(row: CampaignRow): Campaign {
  return {
    ...row.settings,
    id: row.id,
    name: row.name,
    status: row.status,
    statusReason: {
      code: row.reason_code,
      message: row.reason_message,
      actor: row.reason_actor,
      at: row.reason_at.toISOString(),
    },
    version: row.version,
    counts: toCounts(row),
    activeAttempts: row.active_attempts,
    countsVersion: row.counts_version,
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

export interface CampaignFilter {
  accountId: string;
  /** Left out: any. */
  statuses?: readonly CampaignStatus[] | undefined;
  /** Only those older than this one. */
  before?: string | undefined;
  limit: number;
}

/** An account's campaigns, the newest first; their ids are in the order of their making. */
export async function listCampaigns(
  db: Db,
  { accountId, statuses, before, limit }: CampaignFilter,
): Promise<Campaign[]> {
  const { rows } = await db.query<CampaignRow>({
    name: 'list-campaigns',
    text: `select ${columns} from campaigns c join campaign_counts n on n.campaign_id = c.id
      where c.account_id = $1 and c.deleted_at is null
        and ($2::text[] is null or c.status = any ($2)) and ($3::uuid is null or c.id < $3)
      order by c.id desc limit $4`,
    values: [accountId, statuses ?? null, before ?? null, limit],
  });
  return rows.map(toCampaign);
}

/** Null when the account has no such campaign. */
export async function findCampaign(db: Db, accountId: string, id: string): Promise<Campaign | null> {
  const { rows } = await db.query<CampaignRow>({
    name: 'find-campaign',
    text: `select ${columns} from campaigns c join campaign_counts n on n.campaign_id = c.id
      where c.account_id = $1 and c.id = $2 and c.deleted_at is null`,
    values: [accountId, id],
  });
  return rows[0] ? toCampaign(rows[0]) : null;
}

export interface NewCampaign {
  id: string;
  accountId: string;
  /** Who makes it. */
  actor: string;
  settings: CampaignSettings;
}

/** Makes a draft, inside a change that has opened its scope. */
export async function insertCampaign(
  tx: Tx,
  emit: Emit,
  { id, accountId, actor, settings }: NewCampaign,
): Promise<void> {
  const { name, ...rest } = settings;
  const { rows } = await tx.query<{ created_at: Date }>(
    `with counts as (insert into campaign_counts (campaign_id) values ($1))
      insert into campaigns (id, account_id, name, status, reason_code, reason_message, reason_actor, reason_at,
        settings, start_at, end_at)
      values ($1, $2, $3, 'draft', 'created', 'Created.', $4, now(), $5, $6, $7) returning created_at`,
    [id, accountId, name, actor, JSON.stringify(rest), rest.schedule.startAt, rest.schedule.endAt],
  );
  const at = (rows[0]?.created_at ?? new Date()).toISOString();
  const reason = { code: 'created', message: 'Created.', actor, at } as const;
  emit(
    campaignEvent(accountId, id, {
      type: 'campaign.created',
      data: { campaignId: id, name, reason, version: 1 },
    }),
  );
}

/** Ids are in the order of their making. */
export function newCampaignId(): string {
  return uuidv7();
}

/** Replaces the settings. A planned campaign whose start is taken away starts now. */
export async function updateCampaignSettings(
  tx: Tx,
  emit: Emit,
  { id, accountId, settings }: { id: string; accountId: string; settings: CampaignSettings },
): Promise<void> {
  const { name, ...rest } = settings;
  const { rows } = await tx.query<{ version: number }>(
    `update campaigns set name = $3, settings = $4, end_at = $6, version = version + 1,
        start_at = case when status = 'planned' then coalesce($5::timestamptz, now()) else $5 end
      where id = $1 and account_id = $2 returning version`,
    [id, accountId, name, JSON.stringify(rest), rest.schedule.startAt, rest.schedule.endAt],
  );
  const version = rows[0]?.version ?? 0;
  emit(campaignEvent(accountId, id, { type: 'campaign.updated', data: { campaignId: id, name, version } }));
}

/** Puts the start that a change of status has brought into the settings, where it is shown. */
export async function noteStart(tx: Tx, id: string, startAt: string | null): Promise<void> {
  await tx.query(
    `update campaigns set settings = jsonb_set(settings, '{schedule,startAt}', coalesce(to_jsonb($2::text), 'null'))
      where id = $1`,
    [id, startAt],
  );
}

/** Hides a campaign that is over or was never started. Its calls, attempts and dialogs stay. */
export async function deleteCampaign(tx: Tx, emit: Emit, accountId: string, id: string): Promise<void> {
  const { rows } = await tx.query<{ version: number }>(
    `update campaigns set deleted_at = now(), version = version + 1
      where id = $1 and account_id = $2 and deleted_at is null returning version`,
    [id, accountId],
  );
  const version = rows[0]?.version;
  if (version === undefined) return;
  emit(campaignEvent(accountId, id, { type: 'campaign.deleted', data: { campaignId: id, version } }));
}
