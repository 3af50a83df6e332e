import { randomBytes } from 'node:crypto';
import type { AdminClient } from './admin-server.js';
import { splitValues, tagOf, uriOf } from './header-values.js';
import { SipMessage, cseqOf } from './message.js';
import type { ServerTransaction } from './server-transaction.js';
import type { Flow } from './transport.js';

/** One side's state of a dialog (RFC 3261 section 12). */
export interface Dialog {
  /** How clients name it: `<Call-ID>;from-tag=<tag of whoever sent the INVITE>`. */
  id: string;
  role: 'uac' | 'uas';
  callId: string;
  localTag: string;
  remoteTag: string;
  /** Values of From and To for our requests, tags included. */
  local: string;
  remote: string;
  /** Request-URI of our requests: the far end's Contact. */
  target: string;
  routes: string[];
  /** Our Contact. */
  contact: string;
  localCseq: number;
  remoteCseq: number | null;
  confirmed: boolean;
  owner: AdminClient | null;
  /** CSeq number of our last INVITE, for its ACK. */
  inviteCseq: number;
  /** Our last ACK, for a repeated 2xx. */
  ack: { text: string; flow: Flow } | null;
  /** Our INVITE that is under way, for glare (RFC 3261 section 14.2). */
  inviting: boolean;
  /** An INVITE of the far end that our client has not answered. */
  invited: boolean;
  /** The INVITE that we answered with 2xx and whose ACK is awaited. */
  unacknowledged: ServerTransaction | null;
  ending: boolean;
  /** To be ended as soon as it is acknowledged: nobody will keep it. The text of the Reason, if it has one. */
  doomed: string | null;
  /** Over which the INVITE went: for a Contact that names no transport. */
  transport: 'udp' | 'tcp';
  /** Called when it is over. */
  onOver: (() => void)[];
}

/** The name of the dialog that an INVITE makes. */
export function dialogId(invite: SipMessage): string {
  return `${invite.get('call-id')};from-tag=${tagOf(invite.get('from')) ?? ''}`;
}

export function dialogKey(callId: string, localTag: string): string {
  return `${callId}|${localTag}`;
}

/** The calling side's dialog, from a response (RFC 3261 section 12.1.2). Null when it makes none. */
export function uacDialog(
  invite: SipMessage,
  response: SipMessage,
  owner: AdminClient | null,
  transport: 'udp' | 'tcp',
): Dialog | null {
  const callId = invite.get('call-id') ?? '';
  const local = invite.get('from') ?? '';
  const localTag = tagOf(local);
  const remote = response.get('to') ?? '';
  // A 2xx without a To tag is of RFC 2543 (section 12.1.2: taken as an empty one).
  const remoteTag = tagOf(remote) ?? (response.status >= 200 ? '' : undefined);
  if (localTag === undefined || remoteTag === undefined) return null;
  const cseq = cseqOf(invite)?.number ?? 1;
  return {
    id: dialogId(invite),
    role: 'uac',
    callId,
    localTag,
    remoteTag,
    local,
    remote,
    target: contactOf(response) ?? invite.uri,
    routes: splitValues(response.all('record-route')).toReversed(),
    contact: invite.get('contact') ?? '',
    localCseq: cseq,
    remoteCseq: null,
    confirmed: response.status >= 200,
    owner,
    inviteCseq: cseq,
    transport,
    ...nothingYet(),
  };
}

/** The called side's dialog, from our response (RFC 3261 section 12.1.1). */
export function uasDialog(
  invite: SipMessage,
  response: SipMessage,
  owner: AdminClient,
  transport: 'udp' | 'tcp',
): Dialog {
  const callId = invite.get('call-id') ?? '';
  const remote = invite.get('from') ?? '';
  const remoteTag = tagOf(remote) ?? '';
  const local = response.get('to') ?? '';
  return {
    id: dialogId(invite),
    role: 'uas',
    callId,
    localTag: tagOf(local) ?? '',
    remoteTag,
    local,
    remote,
    target: contactOf(invite) ?? uriOf(remote),
    routes: splitValues(invite.all('record-route')),
    contact: response.get('contact') ?? '',
    localCseq: 0,
    remoteCseq: cseqOf(invite)?.number ?? null,
    confirmed: response.status >= 200,
    owner,
    inviteCseq: 0,
    transport,
    ...nothingYet(),
  };
}

type Happenings = 'ack' | 'inviting' | 'invited' | 'unacknowledged' | 'ending' | 'doomed' | 'onOver';

/** What has not happened yet in a new dialog. */
function nothingYet(): Pick<Dialog, Happenings> {
  return {
    ack: null,
    inviting: false,
    invited: false,
    unacknowledged: null,
    ending: false,
    doomed: null,
    onOver: [],
  };
}

/** The far end's Contact URI. */
export function contactOf(message: SipMessage): string | undefined {
  const [contact] = splitValues(message.all('contact'));
  return contact === undefined || contact === '*' ? undefined : uriOf(contact);
}

/** A request within a dialog, all but its Via (RFC 3261 section 12.2.1.1). */
export function requestWithin(dialog: Dialog, method: string, cseq: number, body = ''): SipMessage {
  const request = SipMessage.request(method, dialog.target, body);
  for (const route of dialog.routes) request.add('Route', route);
  return request
    .add('From', dialog.local)
    .add('To', dialog.remote)
    .add('Call-ID', dialog.callId)
    .add('CSeq', `${cseq} ${method}`)
    .add('Max-Forwards', '70');
}

/** Whether a request within a dialog says our Contact (RFC 3261 section 12.2.1.1, table 2). */
export function tellsContact(method: string): boolean {
  return ['INVITE', 'UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY'].includes(method);
}

/** Where a request within a dialog goes first: its first route, else its target. */
export function nextHop(request: SipMessage): string {
  const [route] = splitValues(request.all('route'));
  return route === undefined ? request.uri : uriOf(route);
}

export function newTag(): string {
  return randomHex(8);
}

/** A branch with the magic cookie of RFC 3261 section 8.1.1.7. */
export function newBranch(): string {
  return `z9hG4bK${randomHex(9)}`;
}

let pool = '';

/** Random bytes are drawn many at a time: one draw costs as much as thousands of bytes. */
function randomHex(bytes: number): string {
  if (pool.length < bytes * 2) pool = randomBytes(4_096).toString('hex');
  const taken = pool.slice(0, bytes * 2);
  pool = pool.slice(bytes * 2);
  return taken;
}
