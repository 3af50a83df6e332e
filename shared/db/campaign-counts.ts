import type { Counts } from '../domain/campaign.js';
import type { CallStatus } from '../domain/status.js';
import type { Db } from './pool.js';

export type CountsRow = Record<CallStatus, number> & { active_attempts: number; version: number };

export interface CampaignCounts {
  accountId: string;
  campaignId: string;
  counts: Counts;
  activeAttempts: number;
  version: number;
}

/** The counts of campaigns. They are kept by triggers on `calls`, so reading them counts nothing. */
export async function readCounts(db: Db, campaignIds: string[]): Promise<CampaignCounts[]> {
  const { rows } = await db.query<CountsRow & { account_id: string; campaign_id: string }>({
    name: 'read-counts',
    text: `select c.account_id, n.* from campaign_counts n join campaigns c on c.id = n.campaign_id
      where n.campaign_id = any ($1::uuid[]) order by n.campaign_id`,
    values: [campaignIds],
  });
  return rows.map((row) => ({
    accountId: row.account_id,
    campaignId: row.campaign_id,
    counts: toCounts(row),
    activeAttempts: row.active_attempts,
    version: row.version,
  }));
}

/** Counts as they are shown, with their total. */
export function toCounts(row: Record<CallStatus, number>): Counts {
  const byStatus = {
    planned: row.planned,
    in_progress: row.in_progress,
    retry_scheduled: row.retry_scheduled,
    answered: row.answered,
    completed_without_answer: row.completed_without_answer,
    technical_error: row.technical_error,
    not_dialed: row.not_dialed,
    plan_limit_exceeded: row.plan_limit_exceeded,
  };
  return { total: Object.values(byStatus).reduce((sum, count) => sum + count, 0), ...byStatus };
}
