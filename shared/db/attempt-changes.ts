import { isCharged, decideAfterAttempt, type RetryPolicy } from '../domain/retry.js';
import type { CauseRule } from '../domain/cause.js';
import { next } from '../domain/machine.js';
import {
  attemptMachine,
  callMachine,
  type AttemptSignal,
  type AttemptState,
  type CallSignal,
  type CallStatus,
  type CampaignStatus,
} from '../domain/status.js';
import { campaignEvent, type Emit } from '../events/outbox.js';
import { emitCountsOf, finishWhenDone } from './campaign-changes.js';
import { readCounts, type CampaignCounts } from './campaign-counts.js';
import { writeAttempts, writeCalls } from './attempt-writes.js';
import type { Tx } from './pool.js';

/** What happened to an attempt. Instants are the dialer's clock; due times are the database's. */
export type AttemptChange = { attemptId: string; campaignId: string } &
  // The later ones carry the transaction's id as well: they may come before `sent` is written.
  (
    | { kind: 'sent'; txnId: string }
    | { kind: 'ringing'; txnId: string | null; at: Date }
    | { kind: 'answered'; txnId: string | null; at: Date; sipDialog: object }
    | {
        kind: 'ended';
        at: Date;
        cause: CauseRule;
        sip: { code: number | null; phrase: string | null; q850: number | null };
      }
  );

interface LockedAttempt {
  id: string;
  state: AttemptState;
  number: number;
  trunk_id: string;
  sip_call_id: string;
  answered_at: Date | null;
  reserved_seconds: number;
  call_id: string;
  phone: string;
  call_status: CallStatus;
  call_version: number;
  charged_attempts: number;
  uncharged_attempts: number;
  max_attempts: number | null;
  retry_after_seconds: number | null;
  campaign_id: string;
  account_id: string;
  campaign_status: CampaignStatus;
  retry: RetryPolicy;
}

/** An attempt and its call after a change: the rows to write and the events to tell. */
export interface ChangedAttempt {
  attempt: LockedAttempt;
  change: AttemptChange;
  state: AttemptState;
  callStatus: CallStatus;
  reason: string | null;
  /** Seconds from now until the call is due again; null: it is not. */
  retryInSeconds: number | null;
  ended: boolean;
  charged: boolean;
  talkMs: number;
  billedSeconds: number;
}

/**
 * Applies changes of attempts that `dialerId` owns, at most one per attempt, all in this transaction: the
 * attempt, its call, the account's balance, the counts, the end of the campaign, and the events of all that.
 * To be run inside `outbox.change(campaignIds, …)`. Gives the ids of the attempts that were still the
 * dialer's; another process took over the rest, and what it says holds.
 */
export async function applyAttemptChanges(
  tx: Tx,
  emit: Emit,
  dialerId: string,
  changes: AttemptChange[],
): Promise<Set<string>> {
  const locked = await lockAttempts(tx, dialerId, changes);
  const changed = locked.flatMap(({ attempt, change }) => {
    const after = afterChange(attempt, change);
    return after === null ? [] : [after];
  });
  const told = changed.filter(({ change }) => change.kind !== 'sent');
  // Given at once, done in this order.
  const [, dueAt, , , counts] = await Promise.all([
    writeAttempts(tx, changed),
    writeCalls(tx, told),
    settle(tx, told),
    suppress(tx, told),
    changedCounts(tx, told),
  ]);
  for (const one of told) emitChange(emit, one, dueAt.get(one.attempt.call_id) ?? null);
  await tellCounts(tx, emit, counts);
  return new Set(locked.map(({ attempt }) => attempt.id));
}

async function lockAttempts(
  tx: Tx,
  dialerId: string,
  changes: AttemptChange[],
): Promise<{ attempt: LockedAttempt; change: AttemptChange }[]> {
  const { rows } = await tx.query<LockedAttempt>({
    name: 'lock-attempts',
    text: `select a.id, a.state, a.number, a.trunk_id, a.sip_call_id, a.answered_at, a.reserved_seconds,
        c.id as call_id, c.phone, c.status as call_status, c.version as call_version, c.charged_attempts,
        c.uncharged_attempts, c.max_attempts, c.retry_after_seconds,
        p.id as campaign_id, p.account_id, p.status as campaign_status, p.settings -> 'retry' as retry
      from attempts a join calls c on c.id = a.call_id join campaigns p on p.id = a.campaign_id
      where a.id = any ($1::uuid[]) and a.dialer_id = $2 and a.ended_at is null
      for update of a, c`,
    values: [changes.map((change) => change.attemptId), dialerId],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return changes.flatMap((change) => {
    const attempt = byId.get(change.attemptId);
    return attempt === undefined ? [] : [{ attempt, change }];
  });
}

/** The pure part. Null when the machines do not allow the change: it came late, and says nothing new. */
function afterChange(attempt: LockedAttempt, change: AttemptChange): ChangedAttempt | null {
  const unchanged: ChangedAttempt = {
    attempt,
    change,
    state: attempt.state,
    callStatus: attempt.call_status,
    reason: null,
    retryInSeconds: null,
    ended: false,
    charged: false,
    talkMs: 0,
    billedSeconds: 0,
  };
  switch (change.kind) {
    case 'sent':
      return unchanged;
    case 'ringing': {
      const state = nextState(attempt.state, 'progress');
      return state && { ...unchanged, state };
    }
    case 'answered': {
      const state = nextState(attempt.state, 'answer');
      const callStatus = nextStatus(attempt.call_status, 'answer');
      return state && callStatus && { ...unchanged, state, callStatus };
    }
    case 'ended':
      return afterEnd(unchanged, change);
  }
}

function afterEnd(
  unchanged: ChangedAttempt,
  change: Extract<AttemptChange, { kind: 'ended' }>,
): ChangedAttempt | null {
  const { attempt } = unchanged;
  const { cause, at } = change;
  const signal = endSignalOf(attempt.state, cause);
  const state = nextState(attempt.state, signal);
  const charged = isCharged(cause);
  const decision = decideAfterAttempt({
    cause,
    chargedAttempts: attempt.charged_attempts + (charged ? 1 : 0),
    unchargedAttempts: attempt.uncharged_attempts + (cause.consequence === 'back_off' ? 1 : 0),
    policy: attempt.retry,
    maxAttempts: attempt.max_attempts,
    retryAfterSeconds: attempt.retry_after_seconds,
    campaignFinished: attempt.campaign_status === 'finished',
  });
  const callStatus = nextStatus(attempt.call_status, decision.signal) ?? attempt.call_status;
  if (state === null) return null;
  const talkMs = attempt.answered_at === null ? 0 : Math.max(0, at.getTime() - attempt.answered_at.getTime());
  return {
    ...unchanged,
    state,
    callStatus,
    reason: decision.reason,
    retryInSeconds: decision.retryInSeconds,
    ended: true,
    charged,
    talkMs,
    billedSeconds: Math.ceil(talkMs / 1_000),
  };
}

function endSignalOf(state: AttemptState, cause: CauseRule): AttemptSignal {
  if (state === 'answered') return 'hang_up';
  return cause.disposition === 'canceled' ? 'cancel' : 'reject';
}

function nextState(state: AttemptState, signal: AttemptSignal): AttemptState | null {
  return next<AttemptState, AttemptSignal>(attemptMachine, state, signal);
}

/** `retry` from `retry_scheduled` leads to itself, which is no change but is legal. */
function nextStatus(status: CallStatus, signal: CallSignal): CallStatus | null {
  return next<CallStatus, CallSignal>(callMachine, status, signal);
}

function emitChange(emit: Emit, after: ChangedAttempt, nextAttemptAt: string | null): void {
  const { attempt, change, state, callStatus } = after;
  const { campaign_id: campaignId, account_id: accountId, call_id: callId } = attempt;
  const version = attempt.call_version + 1;
  emit(
    campaignEvent(accountId, campaignId, {
      type: 'attempt.changed',
      data: {
        callId,
        campaignId,
        phone: attempt.phone,
        number: attempt.number,
        state,
        trunkId: attempt.trunk_id,
        ...(change.kind === 'ended' && {
          disposition: change.cause.disposition,
          sip: { ...change.sip, callId: attempt.sip_call_id },
        }),
        version,
      },
    }),
  );
  if (callStatus === attempt.call_status && !after.ended) return;
  emit(
    campaignEvent(accountId, campaignId, {
      type: 'call.status_changed',
      data: {
        callId,
        campaignId,
        phone: attempt.phone,
        from: attempt.call_status,
        to: callStatus,
        reason: after.reason,
        attempts: attempt.number,
        nextAttemptAt,
        version,
      },
    }),
  );
}

/** Takes the talk that was had off the accounts' balances, and gives back what was held for it. */
async function settle(tx: Tx, changed: ChangedAttempt[]): Promise<void> {
  const byAccount = new Map<string, { billed: number; reserved: number }>();
  for (const { ended, attempt, billedSeconds } of changed) {
    if (!ended || (billedSeconds === 0 && attempt.reserved_seconds === 0)) continue;
    const sum = byAccount.get(attempt.account_id) ?? { billed: 0, reserved: 0 };
    sum.billed += billedSeconds;
    sum.reserved += attempt.reserved_seconds;
    byAccount.set(attempt.account_id, sum);
  }
  // One order for all, so that two transactions cannot wait for each other.
  const accounts = [...byAccount].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [accountId, { billed, reserved }] of accounts) {
    await tx.query({
      name: 'settle',
      text: `update accounts set balance_seconds = balance_seconds - $2, reserved_seconds = reserved_seconds - $3
        where id = $1 and (balance_seconds is not null or $3 > 0)`,
      values: [accountId, billed, reserved],
    });
  }
}

/** Puts numbers whose owners want no calls on the account's suppression list. */
async function suppress(tx: Tx, changed: ChangedAttempt[]): Promise<void> {
  const unwanted = changed.filter(({ change }) => change.kind === 'ended' && change.cause.suppress);
  for (const { attempt, change } of unwanted) {
    const rule = change.kind === 'ended' ? change.cause.id : '';
    await tx.query(
      `insert into suppressions (account_id, phone, reason) values ($1, $2, $3) on conflict do nothing`,
      [attempt.account_id, attempt.phone, rule],
    );
  }
}

/** The counts of the campaigns in which they have changed. */
async function changedCounts(tx: Tx, changed: ChangedAttempt[]): Promise<CampaignCounts[]> {
  const touched = changed.filter((one) => one.ended || one.callStatus !== one.attempt.call_status);
  if (touched.length === 0) return [];
  return readCounts(tx, [...new Set(touched.map(({ attempt }) => attempt.campaign_id))]);
}

async function tellCounts(tx: Tx, emit: Emit, counts: CampaignCounts[]): Promise<void> {
  for (const row of counts) {
    emitCountsOf(emit, row);
    const { planned, in_progress: talking, retry_scheduled: waiting } = row.counts;
    if (planned + talking + waiting + row.activeAttempts === 0)
      await finishWhenDone(tx, emit, row.campaignId);
  }
}
