import { randomUUID } from 'node:crypto';
import type { AdminClient, SipCommand } from './admin-server.js';
import { syntheticResponse } from './client-transaction.js';
import { contactFor, endDialog, route, type Core, type OpenInvite } from './core.js';
import { contactOf, newTag, nextHop, requestWithin, uacDialog, type Dialog } from './dialog.js';
import { cseqOf, SipMessage, tagOf, uriOf } from './message.js';
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
]);

/** A request outside of a dialog, completed by what the client has left out (RFC 3261 section 8.1.1). */
export async function sendOutside(
  core: Core,
  client: AdminClient,
  { msgId, proxy }: SipCommand,
  given: SipMessage,
): Promise<void> {
  const request = complete(given);
  const txnId = randomUUID();
  const callId = request.get('call-id') ?? '';
  const ids = { txnId, dialogId: `${callId};from-tag=${tagOf(request.get('from'))}` };
  let flow: Flow;
  try {
    flow = await route(core, request, proxy === null ? nextHop(request) : uriOf(proxy));
  } catch (error) {
    refuseUnreachable(core, client, msgId, request, ids, error);
    return;
  }
  if (given.method === 'INVITE' || given.method === 'SUBSCRIBE') {
    if (!request.has('contact')) request.add('Contact', contactFor(flow));
  }
  client.okSent(msgId, request.toString(), flow, ids);
  if (given.method === 'INVITE') sendInvite(core, client, request, flow, ids, null);
  else {
    core.transactions.send(request, flow, {
      onResponse: (response) => client.push('network', response.toString(), flow, ids),
    });
  }
}

function complete(given: SipMessage): SipMessage {
  const { method, uri, body } = given;
  const request = SipMessage.request(method, uri, body);
  request.copy(given, 'Route');
  const from = given.get('from') ?? '<sip:anonymous@anonymous.invalid>';
  request.add('From', tagOf(from) === undefined ? `${from};tag=${newTag()}` : from);
  request.add('To', given.get('to') ?? `<${uri}>`);
  request.add('Call-ID', given.get('call-id') ?? randomUUID());
  request.add('CSeq', given.get('cseq') ?? `1 ${method}`);
  request.add('Max-Forwards', given.get('max-forwards') ?? '70');
  const contact = given.get('contact');
  if (contact !== undefined && !contact.includes('localhost')) request.add('Contact', contact);
  return withRest(request, given);
}

/** Copies the headers that are the client's own business. */
function withRest(request: SipMessage, given: SipMessage): SipMessage {
  for (const { name, value } of given.headers()) {
    if (!ownHeaders.has(name.toLowerCase()) && name.toLowerCase() !== 'route') request.add(name, value);
  }
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
  };
  request.add('Contact', '<sip:0.0.0.0>');
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
  const send = (text: string): void => {
    if (within) flow.send(text);
    else {
      const { transport, host, port } = flow;
      const entry = { kind: 'invite', text: withoutBody(request), transport, host, port } as const;
      core.journal.open(noted, entry, () => flow.send(text));
    }
  };
  const invite: OpenInvite = {
    txnId: ids.txnId,
    owner: client,
    transaction: core.transactions.sendInvite(request, flow, {
      send,
      onResponse(response) {
        if (within === null) dialog = follow(core, invite, dialog, request, response);
        else refresh(within, response);
        if (response.status >= 200) core.journal.end(noted);
        if (invite.owner?.isOpen) invite.owner.push('network', response.toString(), flow, ids);
        // Nobody is there to take the call.
        else if (dialog?.confirmed) void endDialog(core, dialog);
      },
      onFurther2xx(response) {
        const { remoteTag, ack } = dialog ?? {};
        if (tagOf(response.get('to')) === remoteTag) {
          if (ack) flow.send(ack);
        } else void endFork(core, request, response);
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
  { owner }: OpenInvite,
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
  const dialog = uacDialog(request, response, owner);
  if (dialog === null) return before;
  dialog.localCseq = Math.max(dialog.localCseq, before?.localCseq ?? 0);
  core.dialogs.add(dialog);
  return dialog;
}

/** Takes over the far end's new Contact after a re-INVITE or UPDATE (RFC 3261 section 12.2.1.2). */
function refresh(dialog: Dialog, response: SipMessage): void {
  if (response.status < 200) return;
  dialog.inviting = false;
  if (response.status < 300) dialog.target = contactOf(response) ?? dialog.target;
}

/** A 2xx of another fork is acknowledged and ended (RFC 3261 section 13.2.2.4). */
export async function endFork(core: Core, request: SipMessage, response: SipMessage): Promise<void> {
  const dialog = uacDialog(request, response, null);
  if (dialog) await endDialog(core, dialog);
}

/** A request in a dialog, from any client (RFC 3261 section 12.2). */
export async function sendInside(
  core: Core,
  client: AdminClient,
  { msgId, dialogId }: SipCommand,
  given: SipMessage,
): Promise<void> {
  const dialog = core.dialogs.byId(dialogId);
  if (dialog === undefined || (!dialog.confirmed && given.method === 'BYE')) {
    client.nok(msgId, 'unable to find dialog for dialog id provided');
    return;
  }
  const { method } = given;
  const asked = cseqOf(given)?.number;
  if (method !== 'ACK') dialog.localCseq = Math.max(dialog.localCseq + 1, asked ?? 0);
  const request = requestWithin(
    dialog,
    method,
    method === 'ACK' ? dialog.inviteCseq : dialog.localCseq,
    given.body,
  );
  if (['INVITE', 'UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY'].includes(method) && dialog.contact !== '') {
    request.add('Contact', dialog.contact);
  }
  withRest(request, given);
  const ids = { txnId: randomUUID(), dialogId };
  let flow: Flow;
  try {
    flow = await route(core, request, nextHop(request));
  } catch (error) {
    refuseUnreachable(core, client, msgId, request, ids, error);
    if (method === 'BYE') core.dialogs.remove(dialog);
    return;
  }
  client.okSent(msgId, request.toString(), flow, ids);
  if (method === 'ACK') {
    dialog.ack = request.toString();
    flow.send(dialog.ack);
  } else if (method === 'INVITE') {
    dialog.inviting = true;
    dialog.inviteCseq = dialog.localCseq;
    dialog.ack = null;
    sendInvite(core, client, request, flow, ids, dialog);
  } else {
    if (method === 'BYE') dialog.ending = true;
    core.transactions.send(request, flow, {
      onResponse(response) {
        if (method === 'UPDATE') refresh(dialog, response);
        // 401 and 407 come again with credentials.
        const again = response.status === 401 || response.status === 407;
        if (method === 'BYE' && response.status >= 200 && !again) core.dialogs.remove(dialog);
        client.push('network', response.toString(), flow, ids);
      },
    });
  }
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
  invite.transaction.cancel();
  client.okSent(msgId, given.toString(), invite.transaction.flow, { txnId, dialogId: '' });
}

function withoutBody(request: SipMessage): string {
  return SipMessage.request(request.method, request.uri)
    .copy(request, 'Via', 'Route', 'From', 'To', 'Call-ID', 'CSeq')
    .toString();
}
