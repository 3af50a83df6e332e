import net from 'node:net';
import os from 'node:os';
import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import type { AdminClient } from './admin-server.js';
import type { InviteTransaction } from './client-transaction.js';
import { dialogKey, newBranch, nextHop, requestWithin, uacDialog, type Dialog } from './dialog.js';
import type { Journal } from './journal.js';
import { addressOf } from './header-values.js';
import { type SipMessage } from './message.js';
import type { ServerTransaction } from './server-transaction.js';
import type { TimerValues } from './timers.js';
import type { Transactions } from './transactions.js';
import type { Flow, Transports } from './transport.js';

/** An INVITE of ours, outside of a dialog or in one, until its transaction is over. */
export interface OpenInvite {
  txnId: string;
  owner: AdminClient | null;
  transaction: InviteTransaction;
}

/** A request from the network that a client is to answer. */
export interface Incoming {
  txnId: string;
  owner: AdminClient;
  transaction: ServerTransaction;
  flow: Flow;
  dialog: Dialog | null;
  /** Our To tag, the same in all responses. */
  localTag: string;
  /** Sends 100 when the client takes its time; 487 when it does not answer a CANCEL. */
  timer: NodeJS.Timeout | undefined;
  /** An INVITE within a dialog. */
  reinvites: boolean;
}

/** What all parts of the agent share. */
export interface Core {
  transports: Transports;
  transactions: Transactions;
  dialogs: Dialogs;
  journal: Journal;
  log: Log;
  invites: Map<string, OpenInvite>;
  incoming: Map<string, Incoming>;
  incomingOf: Map<ServerTransaction, Incoming>;
  /** Dialogs that nobody wanted and that are being ended, by {@link forkKey}. */
  forks: Map<string, Dialog>;
  timers: TimerValues;
  /** Messages that were no SIP. */
  dropped: number;
}

export interface Dialogs {
  add(dialog: Dialog): void;
  /** The far end's Contact has changed. */
  retarget(dialog: Dialog, target: string | undefined): void;
  remove(dialog: Dialog): void;
  byId(id: string): Dialog | undefined;
  /** By Call-ID and our tag. */
  find(callId: string, localTag: string): Dialog | undefined;
  all(): Iterable<Dialog>;
  readonly size: number;
}

export function createDialogs(journal: Journal): Dialogs {
  const byKey = new Map<string, Dialog>();
  const byId = new Map<string, Dialog>();
  const note = (dialog: Dialog): void => {
    if (!dialog.confirmed) return;
    // The successor of a killed agent cannot know our later CSeq numbers; this one is above them.
    const bye = requestWithin(dialog, 'BYE', dialog.localCseq + 1_000).toString();
    journal.open(`dialog ${dialog.id}`, { kind: 'dialog', bye, transport: dialog.transport });
  };
  return {
    add(dialog) {
      byKey.set(dialogKey(dialog.callId, dialog.localTag), dialog);
      byId.set(dialog.id, dialog);
      note(dialog);
    },
    retarget(dialog, target) {
      if (target === undefined || target === dialog.target) return;
      dialog.target = target;
      note(dialog);
    },
    remove(dialog) {
      const key = dialogKey(dialog.callId, dialog.localTag);
      if (byKey.get(key) === dialog) byKey.delete(key);
      if (byId.get(dialog.id) === dialog) {
        byId.delete(dialog.id);
        journal.end(`dialog ${dialog.id}`);
      }
      // Who has said BYE will not acknowledge any more.
      dialog.unacknowledged?.acknowledge();
      dialog.unacknowledged = null;
      for (const listener of dialog.onOver.splice(0)) listener();
    },
    byId: (id) => byId.get(id),
    find: (callId, localTag) => byKey.get(dialogKey(callId, localTag)),
    all: () => byKey.values(),
    get size() {
      return byKey.size;
    },
  };
}

/** Puts our Via on a request, and finds the way it goes. Rejects when there is none. */
export async function route(
  core: Core,
  request: SipMessage,
  to: string,
  otherwise: 'udp' | 'tcp' = 'udp',
): Promise<Flow> {
  const address = addressOf(to, otherwise);
  if (address === null) throw new Error(`${to.slice(0, 100)} is no SIP address that this agent can reach`);
  const flow = await core.transports.connect(address);
  request.prepend('Via', viaOf(flow));
  return flow;
}

function viaOf({ transport, local }: Flow): string {
  return `SIP/2.0/${transport.toUpperCase()} ${advertised(local)};branch=${newBranch()};rport`;
}

/** Our Contact on a way. */
export function contactFor({ transport, local }: Flow): string {
  return `<sip:${advertised(local)};transport=${transport}>`;
}

/** Puts our address where a client, which does not know it, has written `localhost`. */
export function withOurHost(value: string, flow: Flow): string {
  return value.replace(/@localhost(?::\d+)?(?=[;>?\s]|$)/i, () => `@${advertised(flow.local)}`);
}

/** `host:port` under which others reach us; a wildcard address becomes one of this machine's. */
function advertised({ host, port }: SipAddress): string {
  const address = host === '0.0.0.0' || host === '[::]' ? ownAddress() : host;
  return `${net.isIPv6(address) ? `[${address}]` : address}:${port}`;
}

let cachedAddress: string | undefined;

function ownAddress(): string {
  cachedAddress ??=
    Object.values(os.networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
  return cachedAddress;
}

/** Sends a request of our own within a dialog, and waits for nothing but its answer. */
async function sendWithin(
  core: Core,
  dialog: Dialog,
  method: 'BYE' | 'ACK',
  { reason, onDone }: { reason?: string | undefined; onDone?: () => void } = {},
): Promise<void> {
  const cseq = method === 'ACK' ? dialog.inviteCseq : (dialog.localCseq += 1);
  const request = requestWithin(dialog, method, cseq);
  if (reason !== undefined) request.add('Reason', reason);
  try {
    const flow = await route(core, request, nextHop(request), dialog.transport);
    if (method === 'ACK') {
      dialog.ack = { text: request.toString(), flow };
      flow.send(dialog.ack.text);
    } else {
      core.transactions.send(request, flow, {
        onResponse: (response) => {
          if (response.status >= 200) onDone?.();
        },
      });
    }
  } catch (error) {
    core.log.debug({ err: error, sipCallId: dialog.callId }, `${method} could not be sent`);
    onDone?.();
  }
}

/** Ends a confirmed dialog whose client is gone, or does not know of it. */
export async function endDialog(core: Core, dialog: Dialog, reason?: string): Promise<void> {
  if (dialog.ending) return;
  dialog.ending = true;
  dialog.owner = null;
  if (dialog.role === 'uac' && dialog.ack === null) await sendWithin(core, dialog, 'ACK');
  await sendWithin(core, dialog, 'BYE', { reason, onDone: () => core.dialogs.remove(dialog) });
}

/** Unwanted dialogs at one time; what is beyond is left to its far end's time-out. */
const maxForks = 1_000;

/**
 * A 2xx that nobody waits for, of another fork or out of time, is acknowledged and ended (RFC 3261 section
 * 13.2.2.4). One that belongs to a call that stands is only acknowledged again.
 */
export async function endFork(core: Core, request: SipMessage, response: SipMessage): Promise<void> {
  const unwanted = uacDialog(request, response, null, core.transports.addresses[0]?.transport ?? 'udp');
  if (unwanted === null) return;
  const held = core.dialogs.find(unwanted.callId, unwanted.localTag);
  const key = `${unwanted.callId}|${unwanted.localTag}|${unwanted.remoteTag}`;
  const known = held?.remoteTag === unwanted.remoteTag ? held : core.forks.get(key);
  if (known) {
    known.ack?.flow.send(known.ack.text);
    return;
  }
  if (core.forks.size >= maxForks) return;
  core.forks.set(key, unwanted);
  setTimeout(() => core.forks.delete(key), 64 * core.timers.t1).unref();
  await endDialog(core, unwanted);
}
