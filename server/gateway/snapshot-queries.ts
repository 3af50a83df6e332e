import type { Call } from '@dialstream/shared/api/calls.js';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { toCounts } from '@dialstream/shared/db/campaign-counts.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { CampaignSettings } from '@dialstream/shared/domain/campaign.js';
import type {
  AttemptState,
  CallStatus,
  Disposition,
  CampaignStatus,
  ReasonCode,
} from '@dialstream/shared/domain/status.js';

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

/** An account's campaigns, or the one that is named, the newest first. */
export async function readCampaigns(
  pool: Pool,
  { accountId, campaignId, most }: { accountId: string; campaignId: string | null; most: number },
): Promise<Campaign[]> {
  const { rows } = await pool.query<CampaignRow>({
    text: `select c.*, n.planned, n.in_progress, n.retry_scheduled, n.answered, n.completed_without_answer,
        n.technical_error, n.not_dialed, n.plan_limit_exceeded, n.active_attempts, n.version as counts_version
      from campaigns c join campaign_counts n on n.campaign_id = c.id
      where c.account_id = $1 and c.deleted_at is null and ($2::uuid is null or c.id = $2)
      order by c.id desc limit $3`,
    values: [accountId, campaignId, most],
  });
  return rows.map((row) => ({
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
  }));
}

interface CallRow {
  id: string;
  campaign_id: string;
  phone: string;
  status: CallStatus;
  reason: string | null;
  payload: Record<string, unknown> | null;
  attempts: number;
  attempt_state: AttemptState;
  attempt_since: Date;
  last_disposition: Disposition | null;
  timezone: string | null;
  priority: number;
  updated_at: Date;
  version: number;
}

/** A campaign's calls with an attempt under way. */
export async function readCallsUnderWay(pool: Pool, campaignId: string, most: number): Promise<Call[]> {
  const { rows } = await pool.query<CallRow>({
    name: 'calls-under-way',
    text: `select id, campaign_id, phone, status, reason, payload, attempts, attempt_state, attempt_since,
        last_disposition, timezone, priority, updated_at, version
      from calls where campaign_id = $1 and attempt_id is not null limit $2`,
    values: [campaignId, most],
  });
  return rows.map((row) => ({
    id: row.id,
    campaignId: row.campaign_id,
    phone: row.phone,
    status: row.status,
    reason: row.reason,
    payload: row.payload ?? {},
    attempts: row.attempts,
    attempt: { number: row.attempts, state: row.attempt_state, since: row.attempt_since.toISOString() },
    nextAttemptAt: null,
    lastDisposition: row.last_disposition,
    timezone: row.timezone,
    priority: row.priority,
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  }));
}
