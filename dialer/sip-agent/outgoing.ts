import { randomUUID } from 'node:crypto';
import type { AdminClient, SipCommand } from './admin-server.js';
import { syntheticResponse } from './client-transaction.js';
import { contactFor, endDialog, endFork, route, withOurHost, type Core, type OpenInvite } from './core.js';
import {
  contactOf,
  dialogId,
  newTag,
  nextHop,
  requestWithin,
  tellsContact,
  uacDialog,
  type Dialog,
} from './dialog.js';
import { endAndTell } from './incoming.js';
import { proxyUri, tagOf } from './header-values.js';
import { inviteEntry } from './journal.js';
import { cseqOf, SipMessage } from './message.js';
import { checkNames } from './reception.js';
import type { Flow } from './transport.js';

/** Requests that clients send: outside of a dialog, in one, and CANCEL. */

/** Headers that the agent writes itself. */
const ownHeaders = new Set([
  'via',
  'content-length',
  'max-forwards',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'route',
]);

/** A request outside of a dialog, completed by what the client has left out (RFC 3261 section 8.1.1). */
export async function sendOutside(
  core: Core,
  client: AdminClient,
  command: SipCommand,
  given: SipMessage,
): Promise<void> {
  const { msgId, proxy } = command;
  const request = complete(given);
  try {
    checkNames(request);
  } catch (error) {
    client.nok(msgId, error instanceof Error ? error.message : 'no SIP message');
    return;
  }
  const { method } = request;
  const held = core.dialogs.find(request.get('call-id') ?? '', tagOf(request.get('from')) ?? '');
  // A BYE made by hand for a call that is held here.
  if (method === 'BYE' && held?.remoteTag === tagOf(request.get('to'))) {
    await sendInside(core, client, { ...command, dialogId: held?.id ?? '' }, given);
    return;
  }
  const ids = { txnId: randomUUID(), dialogId: dialogId(request) };
  let flow: Flow;
  try {
    flow = await route(core, request, proxy === null ? nextHop(request) : proxyUri(proxy));
  } catch (error) {
    refuseUnreachable(core, client, msgId, request, ids, error);
    return;
  }
  if (!client.isOpen) return;
  request.set('From', withOurHost(request.get('from') ?? '', flow));
  const contact = request.get('contact');
  if (contact !== undefined) request.set('Contact', withOurHost(contact, flow));
  else if (method === 'INVITE' || method === 'SUBSCRIBE') request.add('Contact', contactFor(flow));
  client.okSent(msgId, request.toString(), flow, ids);
  if (method === 'INVITE') sendInvite(core, client, request, flow, ids, null);
  // It has no answer.
  else if (method === 'ACK') flow.send(request.toString());
  else {
    core.transactions.send(request, flow, {
      onResponse: (response) => client.push('network', response.toString(), flow, ids),
    });
  }
}

let lastCseq = 0;

/**
 * Counts further with every request, so that the one that follows a redirect in the same call is newer than the
 * one before it (RFC 3261 section 8.1.3.4); else the far end would take it for a loop. The steps leave room for
 * the one number that a repetition with credentials adds.
 */
function newCseq(): number {
  lastCseq = (lastCseq % 1_000_000_000) + 10;
  return lastCseq;
}

function complete(given: SipMessage): SipMessage {
  const { method, uri, body } = given;
  const request = SipMessage.request(method, uri, body);
  request.copy(given, 'Route');
  const from = given.get('from') ?? '<sip:anonymous@localhost>';
  request.add('From', tagOf(from) === undefined ? `${from};tag=${newTag()}` : from);
  request.add('To', given.get('to') ?? `<${uri}>`);
  request.add('Call-ID', given.get('call-id') ?? randomUUID());
  request.add('CSeq', `${cseqOf(given)?.number ?? newCseq()} ${method}`);
  request.add('Max-Forwards', given.get('max-forwards') ?? '70');
  return withRest(request.copy(given, 'Contact'), given);
}

/** Copies the headers that are the client's own business. */
function withRest(request: SipMessage, given: SipMessage): SipMessage {
  for (const { name, value, key } of given.headers()) if (!ownHeaders.has(key)) request.add(name, value);
  if (request.body !== '' && !request.has('content-type')) request.add('Content-Type', 'application/sdp');
  return request;
}

/** As drachtio-server does: the request counts as sent, and fails with 503. */
function refuseUnreachable(
  core: Core,
  client: AdminClient,
  msgId: string,
  request: SipMessage,
  ids: { txnId: string; dialogId: string },
  error: unknown,
): void {
  core.log.debug({ err: error, sipCallId: request.get('call-id') }, 'a request could not be sent');
  const nowhere: Flow = {
    transport: 'udp',
    host: '0.0.0.0',
    port: 0,
    local: { transport: 'udp', host: '0.0.0.0', port: 0 },
    send() {},
    onClose: () => () => {},
  };
  if (!request.has('contact')) request.add('Contact', '<sip:0.0.0.0>');
  client.okSent(msgId, request.toString(), nowhere, ids);
  const response = syntheticResponse(request, 503, 'Service Unavailable');
  client.push('network', response.toString(), nowhere, ids);
}

/** Sends an INVITE, and follows it to its end: `within` is the dialog of a re-INVITE. */
function sendInvite(
  core: Core,
  client: AdminClient,
  request: SipMessage,
  flow: Flow,
  ids: { txnId: string; dialogId: string },
  within: Dialog | null,
): void {
  const noted = `invite ${ids.txnId}`;
  let dialog = within;
  const send = (text: string, onFailed: () => void): void => {
    if (within) flow.send(text, onFailed);
    else {
      core.journal.open(noted, inviteEntry(request, flow), () => flow.send(text, onFailed));
    }
  };
  const invite: OpenInvite = {
    txnId: ids.txnId,
    owner: client,
    transaction: core.transactions.sendInvite(request, flow, {
      send,
      onResponse(response) {
        if (within === null) dialog = follow(core, invite, dialog, request, response);
        else refresh(core, within, response);
        if (response.status >= 200) core.journal.end(noted);
        if (invite.owner?.isOpen) invite.owner.push('network', response.toString(), flow, ids);
        // Nobody is there to take the call.
        else if (dialog?.confirmed) void endDialog(core, dialog);
      },
      onFurther2xx(response) {
        // The same 2xx again while the client has not acknowledged it yet has no answer.
        if ((tagOf(response.get('to')) ?? '') !== dialog?.remoteTag) void endFork(core, request, response);
        else dialog.ack?.flow.send(dialog.ack.text);
      },
      onEnd() {
        core.journal.end(noted);
        core.invites.delete(ids.txnId);
      },
    }),
  };
  core.invites.set(ids.txnId, invite);
}

/** Keeps the dialog that an INVITE makes: early by a provisional with a tag, confirmed by a 2xx. */
function follow(
  core: Core,
  { owner, transaction }: OpenInvite,
  before: Dialog | null,
  request: SipMessage,
  response: SipMessage,
): Dialog | null {
  if (response.status >= 300) {
    if (before) core.dialogs.remove(before);
    return null;
  }
  if (response.status < 101) return before;
  const sameTag = before !== null && tagOf(response.get('to')) === before.remoteTag;
  // A later provisional of the same early dialog says nothing new of it.
  if (sameTag && response.status < 200) return before;
  const dialog = uacDialog(request, response, owner, transaction.flow.transport);
  if (dialog === null) return before;
  dialog.doomed = dialog.confirmed ? whyDoomed(response, transaction.isCanceled) : null;
  dialog.localCseq = Math.max(dialog.localCseq, before?.localCseq ?? 0);
  core.dialogs.add(dialog);
  return dialog;
}

/** Why a call is ended as soon as its client has acknowledged it. */
function whyDoomed(response: SipMessage, isCanceled: boolean): string | null {
  if (isCanceled) return 'SIP ;cause=200 ;text="ACK-BYE due to cancel race condition"';
  // drachtio-srf makes a dialog of a 200 with a Contact only, and gives its application an error for the rest.
  return response.status === 200 && response.has('contact') ? null : 'SIP ;cause=500 ;text="No dialog"';
}

/** Takes over the far end's new Contact after a re-INVITE or UPDATE (RFC 3261 section 12.2.1.2). */
function refresh(core: Core, dialog: Dialog, response: SipMessage): void {
  if (response.status < 200) return;
  if (response.cseqMethod === 'INVITE') dialog.inviting = false;
  if (response.status < 300) core.dialogs.retarget(dialog, contactOf(response));
}

/** A request in a dialog, from any client (RFC 3261 section 12.2). */
export async function sendInside(
  core: Core,
  client: AdminClient,
  { msgId, dialogId }: SipCommand,
  given: SipMessage,
): Promise<void> {
  const dialog = core.dialogs.byId(dialogId);
  const { method } = given;
  const needsAnswer = method === 'BYE' || method === 'ACK' || method === 'INVITE';
  if (dialog === undefined || (needsAnswer && !dialog.confirmed)) {
    client.nok(msgId, 'unable to find dialog for dialog id provided');
    return;
  }
  const asked = cseqOf(given)?.number;
  if (method !== 'ACK') dialog.localCseq = Math.max(dialog.localCseq + 1, asked ?? 0);
  const cseq = method === 'ACK' ? dialog.inviteCseq : dialog.localCseq;
  const request = withRest(requestWithin(dialog, method, cseq, given.body), given);
  if (tellsContact(method) && dialog.contact !== '') request.add('Contact', dialog.contact);
  const ids = { txnId: randomUUID(), dialogId };
  let flow: Flow;
  try {
    flow = await route(core, request, nextHop(request), dialog.transport);
  } catch (error) {
    refuseUnreachable(core, client, msgId, request, ids, error);
    if (method === 'BYE') core.dialogs.remove(dialog);
    return;
  }
  client.okSent(msgId, request.toString(), flow, ids);
  if (method === 'ACK') {
    dialog.ack = { text: request.toString(), flow };
    flow.send(dialog.ack.text);
    if (dialog.doomed !== null) endAndTell(core, dialog, flow, dialog.doomed);
  } else if (method === 'INVITE') {
    dialog.inviting = true;
    dialog.inviteCseq = cseq;
    dialog.ack = null;
    sendInvite(core, client, request, flow, ids, dialog);
  } else if (method === 'BYE' && dialog.ending) {
    // There is a BYE on its way already; the client's is over when that one is.
    const over = syntheticResponse(request, 200, 'OK').toString();
    dialog.onOver.push(() => client.push('network', over, flow, ids));
  } else {
    if (method === 'BYE') dialog.ending = true;
    core.transactions.send(request, flow, {
      onResponse(response) {
        if (method === 'UPDATE') refresh(core, dialog, response);
        client.push('network', response.toString(), flow, ids);
        if (method === 'BYE' && response.status >= 200) afterBye(core, dialog, response);
      },
    });
  }
}

function afterBye(core: Core, dialog: Dialog, { status }: SipMessage): void {
  // The client may send it again with credentials; when it does not, the call is ended all the same.
  if (status !== 401 && status !== 407) {
    core.dialogs.remove(dialog);
    return;
  }
  dialog.ending = false;
  setTimeout(() => {
    if (!dialog.ending) core.dialogs.remove(dialog);
  }, 64 * core.timers.t1).unref();
}

/** Any client may cancel any INVITE (RFC 3261 section 9.1). */
export function cancel(
  core: Core,
  client: AdminClient,
  { msgId, txnId }: SipCommand,
  given: SipMessage,
): void {
  const invite = core.invites.get(txnId);
  if (invite === undefined || invite.transaction.isFinal) {
    client.nok(msgId, `unable to cancel unknown transaction id: ${txnId}`);
    return;
  }
  invite.transaction.cancel(withRest(SipMessage.request('CANCEL', given.uri), given));
  client.okSent(msgId, given.toString(), invite.transaction.flow, { txnId, dialogId: '' });
}
