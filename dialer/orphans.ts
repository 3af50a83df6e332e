import { setTimeout as delay } from 'node:timers/promises';
import { ownCauses } from '@dialstream/shared/domain/cause.js';
import type { AttemptUnderWay } from '@dialstream/shared/db/dialers.js';
import type { Log } from '@dialstream/shared/log.js';
import type { ChangeWriter } from './change-writer.js';
import type { Limits } from './limits.js';
import type { DrachtioConnection } from './sip/drachtio.js';
import { byeForeignDialog, byeRemoteEnd, cancelForeignCall, type ForeignCall } from './sip/end-call.js';
import type { RemoteEnd } from './sip/outbound-call.js';

export interface Orphans {
  /** Ends an attempt whose course nobody follows any more, on the SIP side first and then in the records. */
  end(attempt: AttemptUnderWay): void;
  /** Attempts that are not ended yet, with the limits they count in. */
  readonly open: ReadonlyMap<string, readonly string[]>;
  stop(): void;
}

/** How long after a CANCEL a 200 may still have crossed it, ms: 64*T1 would be the far end's last answer. */
const crossingMs = 1_000;
/** Past its ring time-out, an INVITE that nobody can name is over after 64*T1 and a margin, ms. */
const silenceMs = 35_000;
const retryMs = 1_000;

export interface OrphansOptions {
  connection: DrachtioConnection;
  writer: ChangeWriter;
  limits: Limits;
  log: Log;
}

/** Ends what dead dialers and lost SIP servers left: no second attempt starts before the first is over. */
export function createOrphans({ connection, writer, limits, log }: OrphansOptions): Orphans {
  const open = new Map<string, readonly string[]>();
  let stopped = false;

  async function endOne(attempt: AttemptUnderWay): Promise<void> {
    const since = Date.now();
    const call: ForeignCall = {
      callId: attempt.sipCallId,
      fromTag: attempt.sipFromTag,
      txnId: attempt.sipTxnId,
      remoteEnd: attempt.sipDialog as RemoteEnd | null,
    };
    const overAtLatestMs = attempt.ringTimeoutSeconds * 1_000 + silenceMs;
    while (!stopped) {
      try {
        if (await endOnSipSide(call)) break;
        // Never answered as far as we know, and no SIP server knows it: it may still be ringing unseen.
        if (attempt.ageMs + Date.now() - since > overAtLatestMs) break;
      } catch (error) {
        log.debug({ err: error, sipCallId: call.callId }, 'an orphan could not be ended yet');
      }
      await delay(retryMs);
    }
    if (stopped) return;
    const answered = attempt.state === 'answered';
    await writer.write({
      kind: 'ended',
      attemptId: attempt.id,
      campaignId: attempt.campaignId,
      at: new Date(),
      cause: answered ? ownCauses.lostWhileTalking : ownCauses.lost,
      sip: { code: null, phrase: null, q850: null },
    });
    log.info(
      {
        campaignId: attempt.campaignId,
        callId: attempt.callId,
        attempt: attempt.number,
        sipCallId: call.callId,
      },
      'ended an attempt whose dialer or SIP server was lost',
    );
  }

  /** True once the call is known to be over. */
  async function endOnSipSide(call: ForeignCall): Promise<boolean> {
    const canceled = await cancelForeignCall(connection, call);
    if (canceled) await delay(crossingMs);
    if (await byeForeignDialog(connection, call)) return true;
    if (call.remoteEnd !== null) return byeRemoteEnd(connection, { ...call, remoteEnd: call.remoteEnd });
    return canceled;
  }

  return {
    end(attempt) {
      open.set(attempt.id, attempt.limitKeys);
      endOne(attempt)
        .then(() => limits.release(attempt.limitKeys, [attempt.id]))
        .catch((error: unknown) => {
          log.error({ err: error, callId: attempt.callId }, 'an orphan stays with the next reaper');
        })
        .finally(() => open.delete(attempt.id));
    },
    open,
    stop() {
      stopped = true;
    },
  };
}
