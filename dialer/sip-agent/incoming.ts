import { randomUUID } from 'node:crypto';
import type { AdminClient, SipCommand } from './admin-server.js';
import { contactFor, endDialog, withOurHost, type Core, type Incoming } from './core.js';
import { contactOf, dialogId, newTag, uasDialog, type Dialog } from './dialog.js';
import { tagOf } from './header-values.js';
import { cseqOf, SipMessage } from './message.js';
import type { ServerTransaction } from './server-transaction.js';
import { responseTo } from './transactions.js';
import type { Flow } from './transport.js';

/** Requests from the network, and the answers that clients give to them. */

export interface IncomingOptions {
  core: Core;
  /** A client that wants requests of this verb, one after the other. */
  clientFor: (verb: string) => AdminClient | undefined;
  /** Send 100 Trying when the client has not answered an INVITE within 200 ms (RFC 3261 section 17.2.1). */
  autoTrying: boolean;
}

const tryingAfterMs = 200;
/** How long a client may still answer an INVITE that was cancelled, ms. */
const canceledGraceMs = 30;
const allowed = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE';

export function receiveRequest(
  options: IncomingOptions,
  request: SipMessage,
  flow: Flow,
  transaction: ServerTransaction | null,
): void {
  const { core } = options;
  const toTag = tagOf(request.get('to'));
  if (toTag !== undefined) {
    const dialog = core.dialogs.find(request.get('call-id') ?? '', toTag);
    if (dialog && (tagOf(request.get('from')) ?? '') === dialog.remoteTag) {
      receiveWithin(core, dialog, request, flow, transaction);
    } else transaction?.respond(responseTo(request, 481, 'Call/Transaction Does Not Exist'));
    return;
  }
  if (transaction === null) return;
  // What can only stand in a dialog.
  if (request.method === 'BYE' || request.method === 'PRACK') {
    transaction.respond(withTag(responseTo(request, 481, 'Call/Transaction Does Not Exist'), newTag()));
    return;
  }
  const owner = options.clientFor(request.method);
  if (owner) hand(options, owner, request, flow, transaction, null);
  else transaction.respond(withTag(unroutedResponse(request), newTag()));
}

/** What nobody has asked for: OPTIONS is answered, the rest refused. */
function unroutedResponse(request: SipMessage): SipMessage {
  if (request.method === 'OPTIONS') {
    return responseTo(request, 200, 'OK').add('Allow', allowed).add('Accept', 'application/sdp');
  }
  if (request.method === 'INVITE') return responseTo(request, 480, 'Temporarily Unavailable');
  return responseTo(request, 405, 'Method Not Allowed').add('Allow', allowed);
}

function receiveWithin(
  core: Core,
  dialog: Dialog,
  request: SipMessage,
  flow: Flow,
  transaction: ServerTransaction | null,
): void {
  const number = cseqOf(request)?.number ?? 0;
  if (transaction === null) {
    const answered = dialog.unacknowledged;
    // One to an earlier answer may be late.
    if (answered && cseqOf(answered.request)?.number === number) {
      answered.acknowledge();
      dialog.unacknowledged = null;
    }
    const ids = { txnId: randomUUID(), dialogId: dialog.id };
    dialog.owner?.push('network', request.toString(), flow, ids);
    return;
  }
  if (dialog.remoteCseq !== null && number < dialog.remoteCseq) {
    transaction.respond(responseTo(request, 500, 'CSeq Out Of Order'));
    return;
  }
  dialog.remoteCseq = number;
  if (request.method === 'INVITE' && (dialog.inviting || dialog.unacknowledged)) {
    transaction.respond(responseTo(request, 491, 'Request Pending'));
    return;
  }
  if (request.method === 'INVITE' && dialog.invited) {
    // The client still thinks about the one before (RFC 3261 section 14.2).
    transaction.respond(responseTo(request, 500, 'Server Internal Error').add('Retry-After', '5'));
    return;
  }
  if (request.method === 'INVITE') dialog.invited = true;
  if (request.method === 'INVITE' || request.method === 'UPDATE') {
    core.dialogs.retarget(dialog, contactOf(request));
  }
  if (request.method === 'BYE' && (dialog.ending || !dialog.owner?.isOpen)) {
    transaction.respond(responseTo(request, 200, 'OK'));
    core.dialogs.remove(dialog);
    return;
  }
  if (dialog.owner?.isOpen) {
    hand(
      { core, autoTrying: true, clientFor: () => undefined },
      dialog.owner,
      request,
      flow,
      transaction,
      dialog,
    );
  } else transaction.respond(responseTo(request, 481, 'Call/Transaction Does Not Exist'));
}

/** Gives a request to the client that is to answer it. */
function hand(
  { core, autoTrying }: IncomingOptions,
  owner: AdminClient,
  request: SipMessage,
  flow: Flow,
  transaction: ServerTransaction,
  dialog: Dialog | null,
): void {
  const incoming: Incoming = {
    txnId: randomUUID(),
    owner,
    transaction,
    flow,
    dialog,
    localTag: dialog?.localTag ?? newTag(),
    timer: undefined,
    reinvites: request.method === 'INVITE' && dialog !== null,
  };
  if (request.method === 'INVITE' && autoTrying) {
    incoming.timer = setTimeout(() => {
      if (transaction.lastStatus === 0) transaction.respond(responseTo(request, 100, 'Trying'));
    }, tryingAfterMs);
  }
  core.incoming.set(incoming.txnId, incoming);
  core.incomingOf.set(transaction, incoming);
  owner.push('network', request.toString(), flow, { txnId: incoming.txnId, dialogId: dialog?.id ?? '' });
}

/** A client's answer to a request that it was given. */
export function respond(core: Core, client: AdminClient, command: SipCommand, given: SipMessage): void {
  const incoming = core.incoming.get(command.txnId);
  if (incoming === undefined || incoming.transaction.lastStatus >= 200) {
    client.nok(command.msgId, 'unable to find transaction, or it was answered already');
    return;
  }
  const { transaction, flow } = incoming;
  const { request } = transaction;
  const response = completeResponse(incoming, given);
  if (request.method === 'INVITE' && given.status > 100 && given.status < 300) {
    const dialog = (incoming.dialog ??= uasDialog(request, response, client, flow.transport));
    const answered = given.status >= 200;
    if (answered) {
      dialog.confirmed = true;
      dialog.unacknowledged = transaction;
      dialog.contact = response.get('contact') ?? dialog.contact;
    }
    if (!incoming.reinvites) core.dialogs.add(dialog);
  }
  if (given.status >= 200) forget(core, incoming, given.status < 300);
  transaction.respond(response);
  const { dialog } = incoming;
  if (request.method === 'BYE' && given.status >= 200 && dialog) core.dialogs.remove(dialog);
  const ids = { txnId: incoming.txnId, dialogId: dialog?.id ?? dialogId(request) };
  client.okSent(command.msgId, response.toString(), flow, ids);
}

/** A request needs no client any more; an early dialog of it goes too, unless it was answered. */
export function forget(core: Core, incoming: Incoming, answered = false): void {
  clearTimeout(incoming.timer);
  core.incoming.delete(incoming.txnId);
  core.incomingOf.delete(incoming.transaction);
  const { dialog, reinvites } = incoming;
  if (dialog === null) return;
  if (reinvites) dialog.invited = false;
  else if (!answered && !dialog.confirmed) core.dialogs.remove(dialog);
}

function completeResponse({ transaction, localTag, flow }: Incoming, given: SipMessage): SipMessage {
  const { request } = transaction;
  const response = responseTo(request, given.status, given.reason);
  response.body = given.body;
  if (given.status > 100) withTag(response, localTag);
  const makesDialog = request.method === 'INVITE' && given.status > 100 && given.status < 300;
  if (makesDialog) response.copy(request, 'Record-Route');
  const own = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'content-length', 'record-route']);
  for (const { name, value, key } of given.headers()) if (!own.has(key)) response.add(name, value);
  const contact = response.get('contact');
  if (contact !== undefined) response.set('Contact', withOurHost(contact, flow));
  else if (makesDialog) response.add('Contact', contactFor(flow));
  if (response.body !== '' && !response.has('content-type')) response.add('Content-Type', 'application/sdp');
  return response;
}

function withTag(response: SipMessage, tag: string): SipMessage {
  const to = response.get('to') ?? '';
  return tagOf(to) === undefined ? response.set('To', `${to};tag=${tag}`) : response;
}

/** The far end cancels an INVITE: the client is told, and may still answer for a moment. */
export function receiveCancel(core: Core, cancel: SipMessage, invite: ServerTransaction): void {
  const incoming = core.incomingOf.get(invite);
  if (!incoming?.owner.isOpen) {
    refuse(core, invite, 487, 'Request Terminated');
    return;
  }
  clearTimeout(incoming.timer);
  incoming.timer = setTimeout(() => refuse(core, invite, 487, 'Request Terminated'), canceledGraceMs);
  incoming.owner.push('network', cancel.toString(), incoming.flow, { txnId: incoming.txnId, dialogId: '' });
}

/** Answers in the place of a client. */
export function refuse(core: Core, transaction: ServerTransaction, status: number, reason: string): void {
  if (transaction.lastStatus >= 200) return;
  const incoming = core.incomingOf.get(transaction);
  transaction.respond(
    withTag(responseTo(transaction.request, status, reason), incoming?.localTag ?? newTag()),
  );
  if (incoming) forget(core, incoming);
}

/** Our 2xx was never acknowledged: the dialog is ended, and its client told (RFC 3261 section 13.3.1.4). */
export function endUnacknowledged(core: Core, invite: ServerTransaction): void {
  for (const dialog of core.dialogs.all()) {
    if (dialog.unacknowledged !== invite) continue;
    endAndTell(core, dialog, invite.flow, 'SIP ;cause=408 ;text="ACK timeout"');
    return;
  }
}

/** Ends a dialog, and tells its client as drachtio-server does: by a BYE that came from nowhere. */
export function endAndTell(core: Core, dialog: Dialog, flow: Flow, reason: string): void {
  const { owner, id } = dialog;
  const bye = SipMessage.request('BYE', dialog.target)
    .add('From', dialog.local)
    .add('To', dialog.remote)
    .add('Call-ID', dialog.callId)
    .add('CSeq', `${dialog.localCseq + 1} BYE`)
    .add('Reason', reason);
  void endDialog(core, dialog, reason);
  owner?.push('application', bye.toString(), flow, { txnId: 'unsolicited', dialogId: id });
}

/** Answers what a client that has gone can no longer answer. */
export function abandonIncoming(core: Core, client: AdminClient): void {
  for (const { owner, transaction, dialog } of core.incoming.values()) {
    if (owner !== client) continue;
    if (transaction.request.method === 'BYE') {
      refuse(core, transaction, 200, 'OK');
      if (dialog) core.dialogs.remove(dialog);
    } else refuse(core, transaction, 480, 'Temporarily Unavailable');
  }
}
