import { changeCampaignStatus } from '@dialstream/shared/db/campaign-changes.js';
import { leasesRunOut, markLapsed } from '@dialstream/shared/db/dialers.js';
import type { Pool, Tx } from '@dialstream/shared/db/pool.js';
import type { CampaignSignal, ReasonCode } from '@dialstream/shared/domain/status.js';
import { tellDialers } from '@dialstream/shared/events/dialer-events.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';

/** What time alone brings about. Each function looks once, by the database's clock, and may run anywhere. */
export interface ClockParts {
  pool: Pool;
  outbox: Outbox;
}

/** Seconds without a living dialer after which campaigns that have calls to dial are paused. */
export const dialerPatienceSeconds = 60;

/** Campaigns changed in one look; the next look takes the rest. */
const campaignsAtOnce = 200;

interface TimedChange {
  /** Of the campaigns `c` that it is time for. */
  condition: string;
  signal: CampaignSignal;
  code: ReasonCode;
  message: string;
}

/** Starts planned campaigns whose start has come. Gives how many. */
export async function startDueCampaigns(parts: ClockParts): Promise<number> {
  return changeAll(parts, {
    condition: `c.status = 'planned' and c.start_at <= now()`,
    signal: 'start',
    code: 'started',
    message: 'The start that it was scheduled for has come.',
  });
}

/** Finishes campaigns whose end date has come. Gives how many. */
export async function finishEndedCampaigns(parts: ClockParts): Promise<number> {
  return changeAll(parts, {
    condition: `c.status in ('planned', 'in_progress', 'paused') and c.end_at <= now()`,
    signal: 'finish',
    code: 'end_date',
    message: 'Its end date has come.',
  });
}

/** Pauses campaigns that have due calls, and have had nobody to dial them for a while. Gives how many. */
export async function pauseAbandonedCampaigns(parts: ClockParts): Promise<number> {
  const patience = `interval '${dialerPatienceSeconds} s'`;
  return changeAll(parts, {
    condition: `c.status = 'in_progress' and c.reason_at < now() - ${patience}
      and not exists (select from dialers where alive_until > now() - ${patience})
      and exists (select from calls k where k.campaign_id = c.id and k.next_attempt_at <= now())`,
    signal: 'pause',
    code: 'system_failure',
    message: `No dialer has been alive for ${dialerPatienceSeconds} seconds.`,
  });
}

/** Tells of dialers whose lease has run out, since they cannot tell it themselves. Gives how many. */
export async function tellLapsedDialers(parts: ClockParts): Promise<number> {
  if (!(await leasesRunOut(parts.pool)).unmarked) return 0;
  return (await tellDialers(parts, markLapsed)).length;
}

async function changeAll({ pool, outbox }: ClockParts, change: TimedChange): Promise<number> {
  const { condition, signal, code, message } = change;
  const { rows } = await pool.query<{ id: string }>(
    `select c.id from campaigns c where ${condition} and c.deleted_at is null limit ${campaignsAtOnce}`,
  );
  let changed = 0;
  for (const { id: campaignId } of rows) {
    const reason = { code, message, actor: 'system' };
    const done = await outbox.change([campaignId], async (tx, emit) => {
      // It may have been rescheduled, or a dialer come back, before the lock was ours.
      if (!(await isStill(tx, campaignId, condition))) return false;
      return !('refused' in (await changeCampaignStatus(tx, emit, { campaignId, signal, reason })));
    });
    if (done) changed += 1;
  }
  return changed;
}

async function isStill(tx: Tx, id: string, condition: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from campaigns c where c.id = $1 and c.deleted_at is null and ${condition}`,
    [id],
  );
  return rowCount === 1;
}
