import type { Log } from '@dialstream/shared/log.js';
import {
  startInvite,
  startNonInvite,
  type ClientTransaction,
  type InviteTransaction,
} from './client-transaction.js';
import { paramOf, tagOf } from './header-values.js';
import { cseqOf, SipMessage } from './message.js';
import { startInviteServer, startNonInviteServer, type ServerTransaction } from './server-transaction.js';
import type { TimerValues } from './timers.js';
import type { Flow } from './transport.js';

/** What the transaction layer hands up. */
export interface TransactionUser {
  /** A new request; ACK to a 2xx comes with its transaction null. */
  onRequest(request: SipMessage, flow: Flow, transaction: ServerTransaction | null): void;
  /** A CANCEL of a request that is not answered finally yet; it was answered with 200 already. */
  onCancel(cancel: SipMessage, invite: ServerTransaction): void;
  /** A 2xx to an INVITE that no transaction knows. */
  onStray2xx(response: SipMessage, flow: Flow): void;
  onNoAck(invite: ServerTransaction): void;
  /** An INVITE that was answered with no final response for too long. */
  onUnanswered(invite: ServerTransaction): void;
  /** A request's transaction is over, answered or not. */
  onServerEnd(transaction: ServerTransaction): void;
}

export interface Transactions {
  receive(message: SipMessage, flow: Flow): void;
  /** Starts the transaction of a request whose first Via is ours. */
  send(
    request: SipMessage,
    flow: Flow,
    user: { onResponse: (response: SipMessage) => void; onEnd?: () => void },
  ): ClientTransaction;
  sendInvite(
    request: SipMessage,
    flow: Flow,
    user: {
      onResponse: (response: SipMessage) => void;
      onFurther2xx: (response: SipMessage) => void;
      onEnd: () => void;
      send: (text: string, onFailed: () => void) => void;
    },
    resumed?: boolean,
  ): InviteTransaction;
  /** Transactions that live. */
  counts(): { client: number; server: number };
  close(): void;
}

/** Requests from the network beyond which new ones are refused with 503. */
const maxServers = 100_000;

export function createTransactions(user: TransactionUser, timers: TimerValues, log: Log): Transactions {
  const clients = new Map<string, ClientTransaction>();
  const servers = new Map<string, ServerTransaction>();
  /** INVITEs that make a dialog, by what tells that one came by two ways (RFC 3261 section 8.2.2.2). */
  const initial = new Map<string, ServerTransaction>();

  function receive(message: SipMessage, flow: Flow): void {
    if (message.isRequest) receiveRequest(message, flow);
    else receiveResponse(message, flow);
  }

  function receiveResponse(response: SipMessage, flow: Flow): void {
    // One with a second Via is for somebody behind us, and we have nobody (RFC 3261 section 8.1.3.3).
    if (response.all('via').length > 1 || response.get('via')?.includes(',')) return;
    const key = clientKey(branchOf(response), response.cseqMethod);
    const transaction = clients.get(key);
    if (transaction) transaction.receive(response);
    else if (response.status >= 200 && response.status < 300 && response.cseqMethod === 'INVITE') {
      user.onStray2xx(response, flow);
    } else log.trace({ status: response.status }, 'a response that nobody waits for was dropped');
  }

  function receiveRequest(request: SipMessage, flow: Flow): void {
    const key = serverKey(request, request.method === 'ACK' ? 'INVITE' : request.method);
    const known = servers.get(key);
    if (request.method === 'ACK') {
      if (known && known.lastStatus >= 300) known.acknowledge();
      else user.onRequest(request, flow, null);
      return;
    }
    if (known) {
      known.repeat();
      return;
    }
    if (servers.size >= maxServers) {
      flow.send(responseTo(request, 503, 'Service Unavailable').toString());
      return;
    }
    const transaction = startServer(request, flow, key);
    if (request.method === 'CANCEL') receiveCancel(request, transaction);
    else if (isMerged(request, transaction)) transaction.respond(responseTo(request, 482, 'Loop Detected'));
    else user.onRequest(request, flow, transaction);
  }

  function startServer(request: SipMessage, flow: Flow, key: string): ServerTransaction {
    const start = request.method === 'INVITE' ? startInviteServer : startNonInviteServer;
    const merge = request.method === 'INVITE' ? mergeKey(request) : null;
    const transaction = start({
      request,
      flow,
      timers,
      onEnd() {
        servers.delete(key);
        if (merge !== null && initial.get(merge) === transaction) initial.delete(merge);
        user.onServerEnd(transaction);
      },
      onNoAck: () => user.onNoAck(transaction),
      onUnanswered: () => user.onUnanswered(transaction),
    });
    servers.set(key, transaction);
    if (merge !== null && !initial.has(merge)) initial.set(merge, transaction);
    return transaction;
  }

  function isMerged(request: SipMessage, transaction: ServerTransaction): boolean {
    if (request.method !== 'INVITE') return false;
    const first = initial.get(mergeKey(request) ?? '');
    return first !== undefined && first !== transaction;
  }

  /** RFC 3261 section 9.2. */
  function receiveCancel(cancel: SipMessage, transaction: ServerTransaction): void {
    const invite = servers.get(serverKey(cancel, 'INVITE'));
    if (invite === undefined) {
      transaction.respond(responseTo(cancel, 481, 'Call/Transaction Does Not Exist'));
      return;
    }
    transaction.respond(responseTo(cancel, 200, 'OK'));
    if (invite.lastStatus < 200) user.onCancel(cancel, invite);
  }

  return {
    receive,
    send(request, flow, { onResponse, onEnd }) {
      const key = clientKey(branchOf(request), request.method);
      const transaction = startNonInvite(request, flow, timers, {
        onResponse,
        onEnd() {
          clients.delete(key);
          onEnd?.();
        },
      });
      clients.set(key, transaction);
      return transaction;
    },
    sendInvite(request, flow, { onResponse, onFurther2xx, onEnd, send }, resumed = false) {
      const key = clientKey(branchOf(request), 'INVITE');
      const transaction = startInvite({
        request,
        flow,
        timers,
        resumed,
        send,
        user: {
          onResponse,
          onFurther2xx,
          onEnd() {
            clients.delete(key);
            onEnd();
          },
        },
        sendCancel: (cancel, to) => void this.send(cancel, to, { onResponse() {} }),
      });
      clients.set(key, transaction);
      return transaction;
    },
    counts: () => ({ client: clients.size, server: servers.size }),
    close() {
      for (const transaction of clients.values()) transaction.drop();
      for (const transaction of servers.values()) transaction.drop();
    },
  };
}

/** A response with what RFC 3261 section 8.2.6.2 copies from the request. */
export function responseTo(request: SipMessage, status: number, reason: string): SipMessage {
  return SipMessage.response(status, reason).copy(request, 'Via', 'From', 'To', 'Call-ID', 'CSeq');
}

function branchOf(message: SipMessage): string {
  return paramOf(topVia(message), 'branch') ?? '';
}

function topVia(message: SipMessage): string {
  const via = message.get('via') ?? '';
  const comma = via.indexOf(',');
  return comma === -1 ? via : via.slice(0, comma);
}

function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

/** RFC 3261 section 17.2.3; peers of RFC 2543, whose branch is no name, are told apart as its section 17.2.3 says. */
function serverKey(request: SipMessage, method: string): string {
  const via = topVia(request);
  const branch = paramOf(via, 'branch') ?? '';
  if (branch.startsWith('z9hG4bK')) return `${branch}|${sentBy(via)}|${method}`;
  const number = cseqOf(request)?.number ?? 0;
  return `${request.uri}|${tagOf(request.get('from'))}|${request.get('call-id')}|${number}|${sentBy(via)}|${method}`;
}

/** Null for a request within a dialog. */
function mergeKey(request: SipMessage): string | null {
  if (tagOf(request.get('to')) !== undefined) return null;
  return `${request.get('call-id')}|${tagOf(request.get('from'))}|${cseqOf(request)?.number}`;
}

/** `SIP/2.0/UDP host:port;…` → `host:port`. */
export function sentBy(via: string): string {
  return (via.split(';')[0] ?? '').split(/[ \t]+/).at(-1) ?? '';
}
