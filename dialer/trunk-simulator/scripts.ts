import { answeringNeighbour, type Behaviour, type Span } from './behaviour.js';
import type { ProxyAuthenticator } from './digest.js';
import type { IncomingCall } from './incoming-call.js';

export interface ScriptOptions {
  speed: number;
  random: () => number;
  authenticator: ProxyAuthenticator;
}

/**
 * Plays a behaviour on a call. Resolves when the callee has nothing more to do: what is then up is to be
 * hung up. Rejects when the call was over before.
 */
export type PlayScript = (behaviour: Behaviour, call: IncomingCall) => Promise<void>;

/** A phone rings no longer than this: a little less than what SIP servers allow (timer C, RFC 3261 16.6), ms. */
const ringLimitMs = 170_000;
/** After timer B (RFC 3261 section 17.1.1.2) the caller has given up: the transaction is set free, ms. */
const silenceMs = 40_000;
/** How long an answer that crossed a CANCEL waits for the caller's BYE, ms. */
const strayAnswerMs = 35_000;

/** RFC 3261 section 20.43: the reason of a 488. */
const incompatibleMedia = { Warning: '305 demo-trunk "Incompatible media format"' };

export function createScripts({ speed, random, authenticator }: ScriptOptions): PlayScript {
  const draw = ({ fromMs, toMs }: Span): number => (fromMs + random() * (toMs - fromMs)) / speed;

  async function answerAndTalk(
    call: IncomingCall,
    { credentials, progress, talk }: Behaviour & { kind: 'answer' },
  ): Promise<void> {
    if (credentials && !authenticate(call)) return;
    if (refuseMedia(call)) return;
    if (progress) {
      if (progress.status === 183) call.earlyMedia();
      else call.ringing();
      await call.pause(draw(progress.ring));
    }
    await call.answer();
    await call.pause(draw(talk));
  }

  /** Sends 407, or 403 to wrong credentials, unless the request brings the right ones. */
  function authenticate(call: IncomingCall): boolean {
    const authorization = call.header('proxy-authorization');
    const verdict =
      authorization === undefined ? null : authenticator.judge(authorization, 'INVITE', call.sipCallId);
    if (verdict === 'accepted') return true;
    if (verdict === 'refused') call.reject(403);
    else {
      const challenge = authenticator.challenge(call.sipCallId, verdict === 'stale');
      call.reject(407, { 'Proxy-Authenticate': challenge });
    }
    return false;
  }

  return async (behaviour, call) => {
    switch (behaviour.kind) {
      case 'answer':
        return answerAndTalk(call, behaviour);
      case 'reject':
        return call.reject(behaviour.status);
      case 'ring':
        return ringOn(call);
      case 'silence':
        return call.pause(silenceMs);
      case 'late_answer':
        return answerLate(call);
      case 'redirect':
        return redirect(call);
    }
  };
}

async function ringOn(call: IncomingCall): Promise<void> {
  call.ringing();
  await call.pause(ringLimitMs);
}

/** Answers when the CANCEL comes, as a callee who was faster. */
async function answerLate(call: IncomingCall): Promise<void> {
  if (refuseMedia(call)) return;
  try {
    await ringOn(call);
    return;
  } catch (error) {
    if (call.endedBy !== 'canceled') throw error;
  }
  await call.answer();
  await call.pause(strayAnswerMs);
}

function refuseMedia(call: IncomingCall): boolean {
  if (call.sdp !== null) return false;
  call.reject(488, incompatibleMedia);
  return true;
}

function redirect(call: IncomingCall): void {
  const target = answeringNeighbour(call.requestUri);
  if (target === null) call.reject(404);
  else call.reject(302, { Contact: `<${target}>` });
}
