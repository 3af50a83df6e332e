import { tagOf } from './header-values.js';
import { SipMessage } from './message.js';
import { retransmit, type TimerValues } from './timers.js';
import type { Flow } from './transport.js';

/** What a client transaction tells its user (RFC 3261 section 17.1). */
export interface ClientTransactionUser {
  onResponse(response: SipMessage): void;
  /** It is over and forgotten. */
  onEnd(): void;
}

export interface ClientTransaction {
  readonly request: SipMessage;
  readonly flow: Flow;
  receive(response: SipMessage): void;
  /** Ends it without a word. */
  drop(): void;
}

/** A synthetic answer to a request that got none. */
export function syntheticResponse(request: SipMessage, status: number, reason: string): SipMessage {
  return SipMessage.response(status, reason).copy(request, 'Via', 'From', 'To', 'Call-ID', 'CSeq');
}

/** RFC 3261 section 17.1.2: timers E, F and K; 503 when the request cannot be delivered. */
export function startNonInvite(
  request: SipMessage,
  flow: Flow,
  timers: TimerValues,
  user: ClientTransactionUser,
): ClientTransaction {
  const text = request.toString();
  const reliable = flow.transport === 'tcp';
  let state: 'trying' | 'proceeding' | 'completed' | 'over' = 'trying';
  let stopRetransmit = (): void => {};
  const end = (): void => {
    if (state === 'over') return;
    state = 'over';
    stopRetransmit();
    stopWatching();
    clearTimeout(timer);
    user.onEnd();
  };
  const giveUp = (status: number, reason: string): void => {
    user.onResponse(syntheticResponse(request, status, reason));
    end();
  };
  const onFailed = (): void => {
    if (state === 'trying') giveUp(503, 'Service Unavailable');
  };
  let timer = setTimeout(() => giveUp(408, 'Request Timeout'), 64 * timers.t1);
  const stopWatching = flow.onClose(onFailed);
  flow.send(text, onFailed);
  if (!reliable) stopRetransmit = retransmit(timers.t1, timers.t2, () => flow.send(text));
  return {
    request,
    flow,
    receive(response) {
      if (state !== 'trying' && state !== 'proceeding') return;
      stopWatching();
      if (response.status < 200) {
        if (state === 'trying' && !reliable) {
          stopRetransmit();
          stopRetransmit = retransmit(timers.t2, timers.t2, () => flow.send(text));
        }
        state = 'proceeding';
        user.onResponse(response);
        return;
      }
      state = 'completed';
      stopRetransmit();
      clearTimeout(timer);
      user.onResponse(response);
      if (reliable) end();
      // Timer K: the answer may come again.
      else timer = setTimeout(end, timers.t4);
    },
    drop: end,
  };
}

export interface InviteUser extends ClientTransactionUser {
  /** A 2xx that is not the first: the same again, or one of another fork (RFC 3261 section 13.2.2.4). */
  onFurther2xx(response: SipMessage): void;
}

export interface InviteTransaction extends ClientTransaction {
  /** Sends a CANCEL, with these headers as well, as soon as a provisional has come (RFC 3261 section 9.1). */
  cancel(extra?: SipMessage): void;
  readonly isCanceled: boolean;
  /** A final answer has come. */
  readonly isFinal: boolean;
}

export interface InviteOptions {
  request: SipMessage;
  flow: Flow;
  timers: TimerValues;
  user: InviteUser;
  /** Sends the INVITE; it may be held back until it has been noted down. */
  send: (text: string, onFailed: () => void) => void;
  /** Starts the transaction of a CANCEL. */
  sendCancel: (cancel: SipMessage, flow: Flow) => void;
  /** Another process sent it: it is not sent again, only what comes back is taken, for 64*T1. */
  resumed?: boolean;
}

/** RFC 3261 section 17.1.1, with the accepted state of RFC 6026: timers A, B, C, D and M; 503 when undeliverable. */
export function startInvite(options: InviteOptions): InviteTransaction {
  const { request, flow, timers, user, send, sendCancel, resumed = false } = options;
  let text = request.toString();
  const reliable = flow.transport === 'tcp';
  const noAnswerMs = 64 * timers.t1;
  let state: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'over' = resumed
    ? 'proceeding'
    : 'calling';
  let cancel: 'no' | 'wanted' | 'sent' = 'no';
  let cancelHeaders: SipMessage | undefined;
  let ack = '';
  let stopRetransmit = (): void => {};
  const end = (): void => {
    if (state === 'over') return;
    state = 'over';
    stopRetransmit();
    stopWatching();
    clearTimeout(timer);
    user.onEnd();
  };
  const giveUp = (status: number, reason: string): void => {
    user.onResponse(syntheticResponse(request, status, reason));
    end();
  };
  const onFailed = (): void => {
    if (state === 'calling') giveUp(503, 'Service Unavailable');
  };
  // Timer B.
  let timer = setTimeout(() => giveUp(408, 'Request Timeout'), noAnswerMs);
  const stopWatching = flow.onClose(onFailed);
  if (!resumed) send(text, onFailed);
  if (!resumed && !reliable) stopRetransmit = retransmit(timers.t1, noAnswerMs, () => flow.send(text));

  function sendCancelNow(): void {
    cancel = 'sent';
    sendCancel(cancelOf(request, cancelHeaders), flow);
    clearTimeout(timer);
    // A far end that never ends a cancelled INVITE: section 9.1 lets us take it for cancelled.
    timer = setTimeout(() => giveUp(487, 'Request Terminated'), noAnswerMs);
  }

  function onProvisional(response: SipMessage): void {
    if (state === 'calling') {
      state = 'proceeding';
      stopRetransmit();
      stopWatching();
    }
    if (cancel === 'wanted') sendCancelNow();
    else if (cancel === 'no') {
      clearTimeout(timer);
      timer = setTimeout(sendCancelNow, timers.c);
    }
    user.onResponse(response);
  }

  function onFinal(response: SipMessage): void {
    stopRetransmit();
    stopWatching();
    clearTimeout(timer);
    // It is not sent again, and the transaction lives on for 32 s.
    text = '';
    request.body = '';
    if (response.status < 300) {
      state = 'accepted';
      // Timer M.
      timer = setTimeout(end, noAnswerMs);
    } else {
      state = 'completed';
      ack = ackOfFailure(request, response).toString();
      flow.send(ack);
      // Timer D: at least 32 s over UDP.
      timer = setTimeout(end, reliable ? 0 : noAnswerMs);
    }
    user.onResponse(response);
  }

  return {
    request,
    flow,
    get isFinal() {
      return state === 'completed' || state === 'accepted' || state === 'over';
    },
    receive(response) {
      if (state === 'calling' || state === 'proceeding') {
        if (response.status < 200) onProvisional(response);
        else onFinal(response);
      } else if (state === 'completed' && response.status >= 300) flow.send(ack);
      else if (state === 'accepted' && response.status >= 200 && response.status < 300)
        user.onFurther2xx(response);
    },
    get isCanceled() {
      return cancel !== 'no';
    },
    cancel(extra) {
      if (cancel !== 'no') return;
      cancelHeaders = extra;
      if (state === 'calling') cancel = 'wanted';
      else if (state === 'proceeding') sendCancelNow();
    },
    drop: end,
  };
}

/** RFC 3261 section 9.1: the INVITE's own branch, Request-URI, Call-ID, To, From and CSeq number. */
function cancelOf(invite: SipMessage, extra?: SipMessage): SipMessage {
  const cancel = hopByHop(invite, 'CANCEL').copy(invite, 'To');
  for (const { name, value } of extra?.headers() ?? []) cancel.add(name, value);
  return cancel;
}

/** RFC 3261 section 17.1.1.3: the To of the response, all else as in the INVITE. */
function ackOfFailure(invite: SipMessage, response: SipMessage): SipMessage {
  const to = response.get('to') ?? invite.get('to') ?? '';
  return hopByHop(invite, 'ACK').add('To', tagOf(to) === undefined ? (invite.get('to') ?? to) : to);
}

function hopByHop(invite: SipMessage, method: string): SipMessage {
  const [via = ''] = invite.all('via');
  const number = (invite.get('cseq') ?? '1').split(' ')[0];
  return SipMessage.request(method, invite.uri)
    .add('Via', via)
    .copy(invite, 'Route', 'From', 'Call-ID')
    .add('CSeq', `${number} ${method}`)
    .add('Max-Forwards', '70');
}
