import { setTimeout as delay } from 'node:timers/promises';
import { causeOf, ownCauses, type CauseRule } from '@dialstream/shared/domain/cause.js';
import type { CampaignSettings } from '@dialstream/shared/domain/campaign.js';
import type { StartedAttempt } from '@dialstream/shared/db/claim.js';
import { limitKeysOf } from '@dialstream/shared/db/dialers.js';
import type { Log } from '@dialstream/shared/log.js';
import { createBot } from './bot/bot.js';
import type { ChangeWriter } from './change-writer.js';
import type { Limits } from './limits.js';
import { acceptsAudio, offerSdp } from './media/sdp.js';
import type { Orphans } from './orphans.js';
import type { DrachtioConnection } from './sip/drachtio.js';
import {
  placeCall,
  type AnsweredDialog,
  type Invitation,
  type OutboundCall,
  type SipEndDetails,
} from './sip/outbound-call.js';
import type { StoredTrunk } from '@dialstream/shared/db/trunks.js';

/** An attempt that was started in the records and is to be placed on the wire. */
export interface AttemptPlan {
  attempt: StartedAttempt;
  trunk: StoredTrunk;
  settings: CampaignSettings;
  /** Milliseconds from now until the INVITE may leave. */
  startInMs: number;
}

export interface AttemptRunner {
  run(plan: AttemptPlan): void;
  /** Cancels what has not been answered, of one campaign or of all. */
  cancelUnanswered(campaignId?: string): void;
  /** Ends every conversation. */
  hangUpAll(): void;
  /** Attempts under way, with the limits they count in. */
  readonly open: ReadonlyMap<string, readonly string[]>;
  /** Campaigns that attempts under way belong to. */
  campaigns(): string[];
}

export interface AttemptRunnerOptions {
  connection: DrachtioConnection;
  writer: ChangeWriter;
  limits: Limits;
  orphans: Orphans;
  log: Log;
  /** Whether this dialer's lease still holds: without it no INVITE may leave. */
  leaseHolds: () => boolean;
  rtp: { host: string; firstPort: number; lastPort: number };
}

interface Running {
  plan: AttemptPlan;
  startedAt: number;
  limitKeys: string[];
  call: OutboundCall | null;
  /** Aborted when the attempt must end: before the answer by a CANCEL, after it by a BYE. */
  hangUp: AbortController;
  canceled: boolean;
  answered: AnsweredDialog | null;
  txnId: string | null;
}

const noSip: SipEndDetails = { code: null, phrase: null, q850: null };

/** Follows attempts from the INVITE to their end, and writes each step. */
export function createAttemptRunner(options: AttemptRunnerOptions): AttemptRunner {
  const { connection, writer, limits, orphans, log, leaseHolds, rtp } = options;
  const running = new Map<string, Running>();
  const open = new Map<string, readonly string[]>();
  let nextPort = rtp.firstPort;

  /** Media is a later matter; the ports offered go round in the range, even ones as RTP wants them. */
  function takePort(): number {
    const port = nextPort + (nextPort % 2);
    nextPort = port + 2 > rtp.lastPort ? rtp.firstPort : port + 2;
    return port;
  }

  async function follow(one: Running): Promise<void> {
    const { plan } = one;
    if (plan.startInMs > 0) await delay(plan.startInMs);
    if (one.canceled || !leaseHolds() || !connection.isConnected()) {
      await writeEnd(
        one,
        { ...causeOf({ code: 487, rang: false, canceledFor: 'command' }), id: 'not-sent' },
        noSip,
      );
      return;
    }
    one.startedAt = Date.now();
    const call = placeCall({
      connection,
      invitation: invitationOf(plan, offerSdp(rtp.host, takePort(), plan.trunk.codecs, one.startedAt)),
      log,
      onSent: (txnId) => {
        one.txnId = txnId;
        void step(one, { kind: 'sent', txnId });
      },
      onRinging: () => void step(one, { kind: 'ringing', txnId: one.txnId, at: new Date() }),
    });
    one.call = call;
    if (one.canceled) call.cancel();
    const outcome = await call.outcome;
    switch (outcome.kind) {
      case 'failed':
        await writeEnd(one, causeOf(outcome.failure), outcome.details);
        return;
      case 'lost':
        abandon(one);
        return;
      case 'answered':
        await converse(one, outcome.dialog);
    }
  }

  async function converse(one: Running, dialog: AnsweredDialog): Promise<void> {
    one.answered = dialog;
    const { settings, attempt, trunk } = one.plan;
    const owned = step(one, {
      kind: 'answered',
      txnId: one.txnId,
      at: new Date(),
      sipDialog: dialog.remoteEnd,
    });
    const limit = setTimeout(() => one.hangUp.abort(), settings.maxCallSeconds * 1_000);
    const usable = acceptsAudio(dialog.sdp, trunk.codecs);
    let by: 'us' | 'remote' | 'lost' = 'us';
    try {
      const ended = dialog.ended.then((who) => {
        by = who;
        one.hangUp.abort();
      });
      const talk = usable
        ? createBot(settings.bot).converse({
            callId: attempt.callId,
            campaignId: attempt.campaignId,
            attempt: attempt.number,
            remoteSdp: dialog.sdp,
            signal: one.hangUp.signal,
          })
        : Promise.resolve();
      await Promise.race([talk, ended]);
      if (by === 'us' && !(await dialog.hangUp())) by = 'lost';
    } finally {
      clearTimeout(limit);
    }
    if (by === 'lost') {
      await owned;
      abandon(one);
      return;
    }
    await owned;
    await writeEnd(one, usable ? ownCauses.hangUp : ownCauses.noUsableMedia, {
      code: 200,
      phrase: 'OK',
      q850: null,
    });
  }

  type Step = Parameters<ChangeWriter['write']>[0] extends infer C
    ? C extends { attemptId: string }
      ? Omit<C, 'attemptId' | 'campaignId'>
      : never
    : never;

  /** Writes a step. When the attempt is another's by now, it is ended here as well: only one may follow it. */
  async function step(one: Running, change: Step): Promise<void> {
    const { id: attemptId, campaignId, callId } = one.plan.attempt;
    try {
      const owned = await writer.write({ ...change, attemptId, campaignId });
      if (owned || change.kind === 'ended') return;
      log.warn({ campaignId, callId }, 'another process took this attempt over; it ends here');
      cancel(one);
      one.hangUp.abort();
    } catch (error) {
      log.error({ err: error, campaignId, callId }, 'a step of an attempt could not be written');
    }
  }

  async function writeEnd(one: Running, cause: CauseRule, sip: SipEndDetails): Promise<void> {
    const { attempt, trunk } = one.plan;
    await step(one, { kind: 'ended', at: new Date(), cause, sip });
    log.info(
      {
        campaignId: attempt.campaignId,
        callId: attempt.callId,
        attempt: attempt.number,
        sipCallId: attempt.sipCallId,
        trunk: trunk.name,
        disposition: cause.disposition,
        rule: cause.id,
        code: sip.code,
      },
      'attempt ended',
    );
  }

  function abandon(one: Running): void {
    const { attempt, settings } = one.plan;
    orphans.end({
      id: attempt.id,
      callId: attempt.callId,
      campaignId: attempt.campaignId,
      number: attempt.number,
      state: one.answered === null ? 'ringing' : 'answered',
      sipCallId: attempt.sipCallId,
      sipFromTag: attempt.sipFromTag,
      sipTxnId: one.txnId,
      sipDialog: one.answered?.remoteEnd ?? null,
      ageMs: Date.now() - one.startedAt,
      ringTimeoutSeconds: settings.ringTimeoutSeconds,
      limitKeys: one.limitKeys,
    });
  }

  function cancel(one: Running): void {
    one.canceled = true;
    one.call?.cancel();
  }

  async function release(one: Running): Promise<void> {
    const { id } = one.plan.attempt;
    running.delete(id);
    open.delete(id);
    // An orphan keeps its place until it is over.
    if (orphans.open.has(id)) return;
    await limits.release(one.limitKeys, [id]).catch((error: unknown) => {
      log.debug({ err: error }, 'a place comes back when its lease runs out');
    });
  }

  return {
    run(plan) {
      const { id, accountId, campaignId } = plan.attempt;
      const one: Running = {
        plan,
        startedAt: Date.now(),
        limitKeys: limitKeysOf(accountId, campaignId, plan.trunk.id),
        call: null,
        hangUp: new AbortController(),
        canceled: false,
        answered: null,
        txnId: null,
      };
      running.set(id, one);
      open.set(id, one.limitKeys);
      follow(one)
        .catch((error: unknown) => {
          log.error({ err: error, callId: plan.attempt.callId }, 'an attempt failed in the dialer');
          abandon(one);
        })
        .finally(() => void release(one));
    },
    cancelUnanswered(campaignId) {
      for (const one of running.values()) {
        if (one.answered !== null) continue;
        if (campaignId === undefined || one.plan.attempt.campaignId === campaignId) cancel(one);
      }
    },
    hangUpAll() {
      for (const one of running.values()) one.hangUp.abort();
    },
    open,
    campaigns: () => [...new Set([...running.values()].map((one) => one.plan.attempt.campaignId))],
  };
}

function invitationOf({ attempt, trunk, settings }: AttemptPlan, sdp: string): Invitation {
  const host = trunk.host.includes(':') && !trunk.host.startsWith('[') ? `[${trunk.host}]` : trunk.host;
  const transport = trunk.transport === 'udp' ? '' : `;transport=${trunk.transport}`;
  const caller = attempt.callerId ?? 'anonymous';
  return {
    uri: `sip:${attempt.phone}@${host}:${trunk.port}${transport}`,
    from: `sip:${caller}@${trunk.fromDomain ?? host}`,
    contact: null,
    callId: attempt.sipCallId,
    fromTag: attempt.sipFromTag,
    sdp,
    auth:
      trunk.username !== null && trunk.password !== null
        ? { username: trunk.username, password: trunk.password }
        : null,
    ringTimeoutSeconds: settings.ringTimeoutSeconds,
  };
}
