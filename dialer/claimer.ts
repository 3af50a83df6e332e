import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import {
  countUniqueUsers,
  dropCalls,
  lockDueCalls,
  postponeCalls,
  reserveSeconds,
  startAttempts,
  type DroppedCall,
  type DueCall,
  type NewAttempt,
  type RunningCampaign,
  type StartedAttempt,
} from '@dialstream/shared/db/claim.js';
import { emitCounts, finishWhenDone } from '@dialstream/shared/db/campaign-changes.js';
import type { Tx } from '@dialstream/shared/db/pool.js';
import { nextOpening } from '@dialstream/shared/domain/calling-window.js';
import type { Schedule } from '@dialstream/shared/domain/campaign.js';
import type { Emit, Outbox } from '@dialstream/shared/events/outbox.js';
import type { StoredTrunk } from '@dialstream/shared/db/trunks.js';

/** Seconds of talk that are held for an attempt until its end, while the account has a balance. */
export const reservedPerAttempt = 60;

export interface ClaimOptions {
  outbox: Outbox;
  dialerId: string;
  campaign: RunningCampaign;
  trunk: StoredTrunk;
  /** Ids for the attempts, one per place that was taken. */
  attemptIds: readonly string[];
}

/**
 * Claims due calls of a campaign: one transaction picks them, ends or puts off those that must not be called
 * now, and makes attempts of the rest, with all that names them on the wire.
 */
export async function claimCalls(options: ClaimOptions): Promise<StartedAttempt[]> {
  const { outbox, dialerId, campaign, trunk, attemptIds } = options;
  const { id: campaignId, accountId, settings } = campaign;
  return outbox.change([campaignId], async (tx, emit) => {
    const due = await lockDueCalls(tx, campaignId, attemptIds.length);
    if (due.length === 0) return [];
    const dial = await sort(tx, emit, campaign, due);
    const reservedSeconds = campaign.secondsLeft === null ? 0 : reservedPerAttempt;
    const callerIds = settings.callerIds.length > 0 ? settings.callerIds : trunk.callerIds;
    const attempts = dial.flatMap((call, i): NewAttempt[] => {
      const id = attemptIds[i];
      if (id === undefined) return [];
      const callerId =
        callerIds.length > 0 ? (callerIds[(call.attempts + i) % callerIds.length] ?? null) : null;
      return [{ id, callId: call.id, trunkId: trunk.id, callerId, sipCallId: id, sipFromTag: newTag() }];
    });
    // Given at once, done in this order.
    const [started] = await Promise.all([
      startAttempts(tx, emit, { dialerId, campaignId, accountId, reservedSeconds }, attempts),
      reserveSeconds(tx, accountId, reservedSeconds * attempts.length),
      emitCounts(tx, emit, campaignId),
    ]);
    if (started.length < due.length) await finishWhenDone(tx, emit, campaignId);
    return started;
  });
}

/** Ends and puts off what must not be called now; gives the rest. */
async function sort(tx: Tx, emit: Emit, campaign: RunningCampaign, due: DueCall[]): Promise<DueCall[]> {
  const now = new Date();
  const fates = due.map((call) => ({ call, fate: fateOf(call, campaign.settings.schedule, now) }));
  let dial = fates.filter(({ fate }) => fate === 'dial').map(({ call }) => call);
  const postponed = fates.flatMap(({ call, fate }) =>
    typeof fate === 'object' && 'until' in fate ? [{ id: call.id, until: fate.until }] : [],
  );
  const dropped = fates.flatMap(({ call, fate }): DroppedCall[] =>
    typeof fate === 'object' && 'reason' in fate
      ? [{ id: call.id, status: call.attempts === 0 ? 'not_dialed' : 'completed_without_answer', ...fate }]
      : [],
  );
  const phones = dial.map((call) => call.e164);
  const beyond = campaign.limitsUniqueUsers
    ? await countUniqueUsers(tx, campaign.accountId, phones)
    : new Set<string>();
  if (beyond.size > 0) {
    for (const call of dial.filter(({ e164 }) => beyond.has(e164))) {
      dropped.push({ id: call.id, status: 'plan_limit_exceeded', reason: 'unique_users_limit' });
    }
    dial = dial.filter(({ e164 }) => !beyond.has(e164));
  }
  await postponeCalls(tx, postponed);
  await dropCalls(tx, emit, { accountId: campaign.accountId, campaignId: campaign.id }, dropped);
  return dial;
}

type Fate = 'dial' | { until: Date } | { reason: string };

function fateOf(call: DueCall, schedule: Schedule, now: Date): Fate {
  if (call.suppressed) return { reason: 'suppressed' };
  if (call.notAfter !== null && call.notAfter < now) return { reason: 'window_passed' };
  const opening = nextOpening(schedule, call, now);
  if (opening === null || (call.notAfter !== null && opening > call.notAfter)) {
    return { reason: 'window_passed' };
  }
  return opening > now ? { until: opening } : 'dial';
}

/** A From tag with 64 random bits (RFC 3261 section 19.3 asks for 32 at least). */
function newTag(): string {
  return randomBytes(8).toString('hex');
}

export function newAttemptIds(count: number): string[] {
  return Array.from({ length: count }, () => uuidv7());
}
