import type { Core } from './core.js';
import { paramOf, splitValues, tagOf } from './header-values.js';
import { cseqOf, MalformedError, parseMessage, trimBody, type SipMessage } from './message.js';
import { responseTo, sentBy } from './transactions.js';
import type { Flow } from './transport.js';

/** A message from the network. Whatever it is, the agent goes on. */
export function receiveText(core: Core, text: string, flow: Flow): void {
  // A lone CRLF is a keep-alive (RFC 5626 section 3.5.1).
  if (text.trim() === '') return;
  try {
    const message = trimBody(parseMessage(text));
    checkHeaders(message);
    const back = message.isRequest ? noteReceived(core, message, flow) : flow;
    core.transactions.receive(message, back);
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      core.log.error({ err: error }, 'a message could not be worked on');
      return;
    }
    core.dropped += 1;
    core.log.debug({ err: error, from: flow.host }, 'a message that is no SIP was dropped');
    answerMalformed(core, error, flow);
  }
}

const mandatory = ['via', 'from', 'to', 'call-id', 'cseq'] as const;
/** What comes once, each with a bit of its own. */
const single: ReadonlyMap<string, number> = new Map(
  ['from', 'to', 'call-id', 'cseq', 'content-length'].map((key, i) => [key, 1 << i]),
);

/** A name in quotes or not, and a URI in angles, or a bare URI; parameters are not looked into. */
const nameAddr =
  /^(?:(?:"(?:[^"\\]|\\.)*"\s*|[^"<>;]*)<[^<>"\s]+>|[a-z][\w+.-]*:[^<>"\s;]+)\s*(?:;[^<>]*)?$/i;
const anyUri = /^[a-z][\w+.-]*:[^<>"]+$/i;
const via = /^SIP\s*\/\s*2\.0\s*\/\s*\w+\s+[^\s;]/i;
/** More than RFC 3261's `token` and `word` allow, but nothing that ends a field of the admin protocol. */
const tag = /^[^\s|<>",;]+$/;
const callId = /^[^|]+$/;

/**
 * RFC 3261 section 8.1.1: what every message has, as far as others rely on it. drachtio-srf throws at addresses
 * that are none, and names dialogs by Call-ID and tag in lines whose fields end at a `|`.
 */
function checkHeaders(message: SipMessage): void {
  for (const name of mandatory) {
    if (!message.get(name)) throw new MalformedError(`${name} is missing`, message);
  }
  let seen = 0;
  for (const { key, value } of message.headers()) {
    const bit = single.get(key) ?? 0;
    if ((seen & bit) !== 0) throw new MalformedError(`${key} comes twice`, message);
    seen |= bit;
    if (key === 'contact' && !isContact(value)) throw new MalformedError('Contact is no address', message);
  }
  const cseq = cseqOf(message);
  if (cseq === null) throw new MalformedError('CSeq is none', message);
  if (message.isRequest && cseq.method !== message.method) {
    throw new MalformedError('CSeq names another method', message);
  }
  if (message.isRequest && !anyUri.test(message.uri)) throw new MalformedError('no request URI', message);
  if (!via.test(message.get('via') ?? '')) throw new MalformedError('Via is none', message);
  checkNames(message);
  const initial = message.method === 'INVITE' && tagOf(message.get('to')) === undefined;
  // RFC 3261 section 8.1.1.8; without one drachtio-srf makes no dialog, after its 200.
  if (initial && !message.has('contact')) throw new MalformedError('Contact is missing', message);
}

function isContact(line: string): boolean {
  if (line === '*') return true;
  const values = splitValues([line]);
  return values.length > 0 && !line.endsWith(',') && values.every((value) => nameAddr.test(value));
}

/** What names a dialog, of either side: Call-ID, From and To. */
export function checkNames(message: SipMessage): void {
  if (!callId.test(message.get('call-id') ?? '')) throw new MalformedError('Call-ID is none', message);
  for (const name of ['from', 'to'] as const) {
    const value = message.get(name) ?? '';
    if (!nameAddr.test(value)) throw new MalformedError(`${name} is no address`, message);
    const given = tagOf(value);
    if (given !== undefined && !tag.test(given)) throw new MalformedError(`${name} has no such tag`, message);
  }
}

/** 400 to a request that says enough of itself to be answered; an ACK never is. */
function answerMalformed(core: Core, { readable, message }: MalformedError, flow: Flow): void {
  if (!readable?.isRequest || readable.method === 'ACK') return;
  if (!mandatory.every((name) => readable.has(name))) return;
  const back = noteReceived(core, readable, flow);
  back.send(responseTo(readable, 400, `Bad Request (${message})`).toString());
}

/**
 * Notes in the topmost Via where a request really came from (RFC 3261 section 18.2.1, RFC 3581), and gives the
 * way that its responses take.
 */
function noteReceived(core: Core, request: SipMessage, flow: Flow): Flow {
  const value = request.get('via') ?? '';
  const comma = value.indexOf(',');
  const first = comma === -1 ? value : value.slice(0, comma);
  const rest = comma === -1 ? '' : value.slice(comma);
  const rport = paramOf(first, 'rport') !== undefined;
  const noted = rport ? first.replace(/;\s*rport(?=;|\s|$)/i, `;rport=${flow.port}`) : first;
  request.set('Via', `${noted};received=${flow.host}${rest}`);
  const port = Number(/:(\d{1,5})$/.exec(sentBy(first))?.[1] ?? 5060);
  return core.transports.wayBack(flow, { port: port > 0 && port < 65_536 ? port : flow.port, rport });
}
