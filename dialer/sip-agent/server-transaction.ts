import type { SipMessage } from './message.js';
import { retransmit, type TimerValues } from './timers.js';
import type { Flow } from './transport.js';

/** The answering side of a request (RFC 3261 section 17.2). */
export interface ServerTransaction {
  readonly request: SipMessage;
  /** The way back. */
  readonly flow: Flow;
  /** Sends a response, and keeps it for repetitions of the request. */
  respond(response: SipMessage): void;
  /** The same request came again. */
  repeat(): void;
  /** The ACK to a final response has come. */
  acknowledge(): void;
  readonly lastStatus: number;
  drop(): void;
}

export interface ServerTransactionOptions {
  request: SipMessage;
  flow: Flow;
  timers: TimerValues;
  /** It is over and forgotten. */
  onEnd: () => void;
  /** A 2xx to an INVITE was never acknowledged (RFC 3261 section 13.3.1.4). */
  onNoAck: () => void;
  /** The user has not answered an INVITE within timer C. */
  onUnanswered: () => void;
}

/** Timer J. */
export function startNonInviteServer({
  request,
  flow,
  timers,
  onEnd,
}: ServerTransactionOptions): ServerTransaction {
  let last: { text: string; status: number } | null = null;
  // The far end has given up by then, whatever the user still says.
  let timer = setTimeout(onEnd, 64 * timers.t1);
  return {
    request,
    flow,
    get lastStatus() {
      return last?.status ?? 0;
    },
    respond(response) {
      if ((last?.status ?? 0) >= 200) return;
      last = { text: response.toString(), status: response.status };
      flow.send(last.text);
      if (response.status < 200) return;
      clearTimeout(timer);
      timer = setTimeout(onEnd, flow.transport === 'tcp' ? 0 : 64 * timers.t1);
    },
    repeat() {
      if (last) flow.send(last.text);
    },
    acknowledge() {},
    drop() {
      clearTimeout(timer);
      onEnd();
    },
  };
}

/** Timers G, H and I, and for 2xx the accepted state of RFC 6026 with timer L. */
export function startInviteServer(options: ServerTransactionOptions): ServerTransaction {
  const { request, flow, timers, onEnd, onNoAck, onUnanswered } = options;
  const longMs = 64 * timers.t1;
  let last: { text: string; status: number } | null = null;
  let acknowledged = false;
  let stopRetransmit = (): void => {};
  let timer = setTimeout(() => {
    onUnanswered();
    if ((last?.status ?? 0) < 200) end();
  }, timers.c);
  const end = (): void => {
    stopRetransmit();
    clearTimeout(timer);
    onEnd();
  };
  return {
    request,
    flow,
    get lastStatus() {
      return last?.status ?? 0;
    },
    respond(response) {
      if ((last?.status ?? 0) >= 200) return;
      const sent = { text: response.toString(), status: response.status };
      last = sent;
      flow.send(sent.text);
      if (sent.status < 200) return;
      clearTimeout(timer);
      const answered = sent.status < 300;
      // A 2xx is repeated over TCP as well: it is the dialog's, not the transaction's.
      if (answered || flow.transport === 'udp') {
        stopRetransmit = retransmit(timers.t1, timers.t2, () => flow.send(sent.text));
      }
      timer = setTimeout(() => {
        end();
        if (answered && !acknowledged) onNoAck();
      }, longMs);
    },
    repeat() {
      if (last && !acknowledged) flow.send(last.text);
    },
    acknowledge() {
      if (acknowledged || last === null) return;
      acknowledged = true;
      stopRetransmit();
      if (last.status < 300) return;
      clearTimeout(timer);
      timer = setTimeout(end, flow.transport === 'tcp' ? 0 : timers.t4);
    },
    drop: end,
  };
}
