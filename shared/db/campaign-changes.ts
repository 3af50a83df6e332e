import type { StatusReason } from '../events/contract.js';
import { campaignEvent, type Emit } from '../events/outbox.js';
import { next } from '../domain/machine.js';
import { faultDispositions } from '../domain/retry.js';
import {
  campaignMachine,
  type CallStatus,
  type CampaignSignal,
  type CampaignStatus,
  type ReasonCode,
} from '../domain/status.js';
import { readCounts } from './campaign-counts.js';
import type { Tx } from './pool.js';

/** Why a change was refused; nothing was changed. */
export interface Refusal {
  refused: 'not_found' | 'illegal_transition' | 'version_mismatch' | 'out_of_minutes' | 'system_failure';
  detail: string;
}

export interface StatusChange {
  campaignId: string;
  /** When given, a campaign of another account is not found. */
  accountId?: string;
  signal: CampaignSignal;
  reason: { code: ReasonCode; message: string; actor: string };
  /** When given, any other version is refused. */
  ifVersion?: number | undefined;
  /** With `schedule`: the instant of the start, or null for now. */
  startAt?: string | null;
}

export interface ChangedStatus {
  from: CampaignStatus;
  to: CampaignStatus;
  version: number;
}

interface LockedCampaign {
  account_id: string;
  status: CampaignStatus;
  version: number;
  reason_code: ReasonCode;
  settings: { trunkIds: string[]; keepOpen: boolean };
}

/** Beyond so many calls changed at once, subscribers are told the counts only: the log keeps no more anyway. */
const callEventsAtOnce = 5_000;

/**
 * Changes a campaign's status by the state machine, with its event and with what follows for its calls.
 * To be run inside `outbox.change([campaignId], …)`, whose lock lets one change at a time through.
 */
export async function changeCampaignStatus(
  tx: Tx,
  emit: Emit,
  change: StatusChange,
): Promise<ChangedStatus | Refusal> {
  const { campaignId, signal, reason } = change;
  const campaign = await lockCampaign(tx, campaignId);
  if (campaign === null || (change.accountId ?? campaign.account_id) !== campaign.account_id) {
    return { refused: 'not_found', detail: 'There is no such campaign.' };
  }
  const { status: from, version } = campaign;
  if (change.ifVersion !== undefined && change.ifVersion !== version) {
    return {
      refused: 'version_mismatch',
      detail: `The campaign is at version ${version}, not ${change.ifVersion}.`,
    };
  }
  const to = next<CampaignStatus, CampaignSignal>(campaignMachine, from, signal);
  if (to === null) {
    return { refused: 'illegal_transition', detail: `A campaign that is ${from} cannot ${signal}.` };
  }
  if (signal === 'resume') {
    const standing = await standingFailure(tx, campaign);
    if (standing !== null) return standing;
  }
  const at = new Date().toISOString();
  await tx.query({
    name: 'change-campaign-status',
    text: `update campaigns set status = $2, version = version + 1, reason_code = $3, reason_message = $4,
        reason_actor = $5, reason_at = $6,
        start_at = case when $7 = 'schedule' then $8::timestamptz when $7 = 'unschedule' then null else start_at end,
        started_at = case when $7 = 'start' then $6 else started_at end,
        finished_at = case when $7 = 'finish' then $6 else finished_at end
      where id = $1`,
    values: [campaignId, to, reason.code, reason.message, reason.actor, at, signal, change.startAt ?? at],
  });
  const statusReason: StatusReason = { ...reason, at };
  emit(
    campaignEvent(campaign.account_id, campaignId, {
      type: 'campaign.status_changed',
      data: { campaignId, from, to, reason: statusReason, version: version + 1 },
    }),
  );
  if (signal === 'finish') await closeCalls(tx, emit, campaign.account_id, campaignId);
  if (signal === 'start' || signal === 'resume') await finishWhenDone(tx, emit, campaignId);
  return { from, to, version: version + 1 };
}

async function lockCampaign(tx: Tx, campaignId: string): Promise<LockedCampaign | null> {
  const { rows } = await tx.query<LockedCampaign>({
    name: 'lock-campaign',
    text: `select account_id, status, version, reason_code, settings from campaigns
      where id = $1 and deleted_at is null for update`,
    values: [campaignId],
  });
  return rows[0] ?? null;
}

/** What still stands in the way of resuming, if anything. */
async function standingFailure(tx: Tx, campaign: LockedCampaign): Promise<Refusal | null> {
  const { rows } = await tx.query<{ out_of_minutes: boolean; trunks_down: string | null; dialers: number }>(
    `select
        coalesce(a.balance_seconds - a.reserved_seconds <= 0, false) as out_of_minutes,
        (select string_agg(t.name || ': ' || coalesce(t.status_reason, 'down'), '; ') from trunks t
          where t.account_id = a.id and t.deleted_at is null and (t.id = any ($2::uuid[]) or $2 = '{}')
          having bool_and(t.status = 'down')) as trunks_down,
        (select count(*)::int from dialers where status = 'up' and alive_until > now()) as dialers
      from accounts a where a.id = $1`,
    [campaign.account_id, campaign.settings.trunkIds],
  );
  const state = rows[0];
  if (state?.out_of_minutes) return { refused: 'out_of_minutes', detail: 'The account has no minutes left.' };
  if (state?.trunks_down) {
    return { refused: 'system_failure', detail: `Every trunk is down: ${state.trunks_down}.` };
  }
  if (campaign.reason_code === 'system_failure' && state?.dialers === 0) {
    return { refused: 'system_failure', detail: 'No dialer is alive.' };
  }
  return null;
}

interface ClosedCall {
  id: string;
  phone: string;
  before: CallStatus;
  after: CallStatus;
  attempts: number;
  version: number;
}

/** Ends every call that waits. Calls with an attempt under way are ended by their dialer, when it is over. */
async function closeCalls(tx: Tx, emit: Emit, accountId: string, campaignId: string): Promise<void> {
  const { rows } = await tx.query<ClosedCall>(
    `with open as (
        select id, status as before from calls
        where campaign_id = $1 and status in ('planned', 'retry_scheduled') and attempt_id is null
      ), closed as (
        update calls c set
          status = case when c.attempts = 0 then 'not_dialed'
            when c.last_disposition = any ($2) then 'technical_error' else 'completed_without_answer' end,
          reason = 'campaign_finished', next_attempt_at = null, version = version + 1, updated_at = now()
        from open where c.id = open.id
        returning c.id, c.phone, open.before, c.status as after, c.attempts, c.version
      )
      select * from closed where (select count(*) from closed) <= $3`,
    [campaignId, faultDispositions, callEventsAtOnce],
  );
  for (const call of rows) {
    emit(
      campaignEvent(accountId, campaignId, {
        type: 'call.status_changed',
        data: {
          callId: call.id,
          campaignId,
          phone: call.phone,
          from: call.before,
          to: call.after,
          reason: 'campaign_finished',
          attempts: call.attempts,
          nextAttemptAt: null,
          version: call.version,
        },
      }),
    );
  }
  await emitCounts(tx, emit, campaignId);
}

/** Finishes a campaign in progress whose calls are all final, unless it is kept open or has none. */
export async function finishWhenDone(tx: Tx, emit: Emit, campaignId: string): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'campaign-is-done',
    text: `select from campaigns c join campaign_counts n on n.campaign_id = c.id
      where c.id = $1 and c.status = 'in_progress' and not (c.settings ->> 'keepOpen')::boolean
        and n.planned + n.in_progress + n.retry_scheduled + n.active_attempts = 0
        and n.answered + n.completed_without_answer + n.technical_error + n.not_dialed
          + n.plan_limit_exceeded > 0`,
    values: [campaignId],
  });
  if (!rowCount) return false;
  const change = await changeCampaignStatus(tx, emit, {
    campaignId,
    signal: 'finish',
    reason: { code: 'completed', message: 'All calls are over.', actor: 'system' },
  });
  return !('refused' in change);
}

/** Tells subscribers the campaign's counts as this transaction sees them. */
export async function emitCounts(tx: Tx, emit: Emit, campaignId: string): Promise<void> {
  for (const row of await readCounts(tx, [campaignId])) emitCountsOf(emit, row);
}

/** The same, of counts that were read already. */
export function emitCountsOf(
  emit: Emit,
  { accountId, campaignId, counts, activeAttempts, version }: Awaited<ReturnType<typeof readCounts>>[number],
): void {
  emit(
    campaignEvent(accountId, campaignId, {
      type: 'campaign.counts',
      data: { campaignId, counts, activeAttempts, version },
    }),
  );
}
