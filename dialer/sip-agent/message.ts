/** A SIP message as text in, text out (RFC 3261 section 7): the headers keep their order and their spelling. */
export interface Header {
  name: string;
  value: string;
  /** The name in lower case, and in full. */
  key: string;
}

/** Compact forms (RFC 3261 section 7.3.3, RFC 3515, RFC 3892, RFC 4028, RFC 6665, RFC 3841). */
const compactNames: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
};

/** The name by which a header is looked up. */
function keyOf(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (compactNames[lower] ?? lower) : lower;
}

export class SipMessage {
  readonly #headers: Header[];

  private constructor(
    /** Upper case; empty for a response. */
    readonly method: string,
    public uri: string,
    /** 100–699; 0 for a request. */
    readonly status: number,
    readonly reason: string,
    headers: Header[],
    public body: string,
  ) {
    this.#headers = headers;
  }

  static request(method: string, uri: string, body = ''): SipMessage {
    return new SipMessage(method, uri, 0, '', [], body);
  }

  static response(status: number, reason: string, body = ''): SipMessage {
    return new SipMessage('', '', status, reason, [], body);
  }

  static of(start: StartLine, body: string): SipMessage {
    return new SipMessage(start.method, start.uri, start.status, start.reason, [], body);
  }

  get isRequest(): boolean {
    return this.status === 0;
  }

  /** The first value of a header; undefined when there is none. */
  get(name: string): string | undefined {
    const key = keyOf(name);
    for (const header of this.#headers) if (header.key === key) return header.value;
    return undefined;
  }

  /** Every value of a header, in order; lines are not split at commas. */
  all(name: string): string[] {
    const key = keyOf(name);
    return this.#headers.filter((header) => header.key === key).map((header) => header.value);
  }

  /** All headers, in order. */
  headers(): readonly Header[] {
    return this.#headers;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  add(name: string, value: string): this {
    this.#headers.push({ name, value, key: keyOf(name) });
    return this;
  }

  /** Puts a header before all others. */
  prepend(name: string, value: string): this {
    this.#headers.unshift({ name, value, key: keyOf(name) });
    return this;
  }

  /** Replaces the first header of that name, or adds one. */
  set(name: string, value: string): this {
    const key = keyOf(name);
    const found = this.#headers.find((header) => header.key === key);
    if (found) found.value = value;
    else this.add(name, value);
    return this;
  }

  remove(name: string): this {
    const key = keyOf(name);
    for (let i = this.#headers.length - 1; i >= 0; i -= 1) {
      if (this.#headers[i]?.key === key) this.#headers.splice(i, 1);
    }
    return this;
  }

  /** Copies all values of some headers from another message, in its order of each. */
  copy(from: SipMessage, ...names: string[]): this {
    for (const name of names) for (const value of from.all(name)) this.add(name, value);
    return this;
  }

  /** The method that this is about: a request's own, a response's from CSeq. */
  get cseqMethod(): string {
    return cseqOf(this)?.method ?? this.method;
  }

  toString(): string {
    const start = this.isRequest
      ? `${this.method} ${this.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${this.status} ${this.reason}\r\n`;
    let text = start;
    for (const { name, value, key } of this.#headers) {
      if (key !== 'content-length') text += `${name}: ${value}\r\n`;
    }
    return `${text}Content-Length: ${Buffer.byteLength(this.body)}\r\n\r\n${this.body}`;
  }
}

interface StartLine {
  method: string;
  uri: string;
  status: number;
  reason: string;
}

/** Why a text is no SIP message. `message` holds what could be read, when that suffices to answer it. */
export class MalformedError extends Error {
  override name = 'MalformedError';
  constructor(
    reason: string,
    readonly readable?: SipMessage,
  ) {
    super(reason);
  }
}

const maxHeaders = 200;
/** The longest header, characters: far above what is in use, and short enough for any regular expression. */
const maxHeaderLength = 8_192;

/**
 * Reads a whole message, its body included. Folded lines are joined (RFC 3261 section 7.3.1). Throws a
 * {@link MalformedError} for everything that is none.
 */
export function parseMessage(text: string): SipMessage {
  const end = text.indexOf('\r\n\r\n');
  const head = end === -1 ? text.replace(/\r?\n$/, '') : text.slice(0, end);
  const folded = head.includes('\r\n ') || head.includes('\r\n\t');
  const lines = (folded ? head.replaceAll(/\r\n[ \t]+/g, ' ') : head).split('\r\n');
  const message = SipMessage.of(parseStartLine(lines[0] ?? ''), end === -1 ? '' : text.slice(end + 4));
  if (lines.length > maxHeaders) throw new MalformedError('too many headers');
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trimEnd();
    if (colon < 1 || !isToken(name)) throw new MalformedError('a header has no name', message);
    if (line.length > maxHeaderLength) throw new MalformedError('a header is too long', message);
    if (hasLineEnd(line)) throw new MalformedError('a lone line end', message);
    message.add(name, line.slice(colon + 1).trim());
  }
  if (end === -1) throw new MalformedError('the headers have no end', message);
  return message;
}

/** It would begin a header of its own for who takes a lone line feed for a line's end; NUL ends text elsewhere. */
function hasLineEnd(line: string): boolean {
  return line.includes('\n') || line.includes('\r') || line.includes('\0');
}

function parseStartLine(line: string): StartLine {
  if (hasLineEnd(line) || line.length > maxHeaderLength) throw new MalformedError('no start line');
  if (line.startsWith('SIP/2.0 ')) {
    const status = Number(line.slice(8, 11));
    const ends = line.length === 11 || line[11] === ' ';
    if (!ends || !Number.isInteger(status) || status < 100 || status > 699)
      throw new MalformedError('no status code');
    return { method: '', uri: '', status, reason: line.slice(12) };
  }
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, first);
  const uri = line.slice(first + 1, last);
  if (first < 1 || last <= first || line.slice(last + 1).toUpperCase() !== 'SIP/2.0') {
    throw new MalformedError('no SIP/2.0 start line');
  }
  if (!isToken(method) || !/^\S+$/.test(uri)) throw new MalformedError('no request line');
  return { method, uri, status: 0, reason: '' };
}

/** RFC 3261 section 25.1, token. */
function isToken(text: string): boolean {
  return /^[\w\-.!%*+`'~]+$/.test(text);
}

/** Takes the body to the length that Content-Length says; throws when there is less of it. */
export function trimBody(message: SipMessage): SipMessage {
  const header = message.get('content-length');
  if (header === undefined) return message;
  const length = Number(header);
  if (!/^\d+$/.test(header)) throw new MalformedError('Content-Length is no number', message);
  const bytes = Buffer.byteLength(message.body);
  if (bytes < length) throw new MalformedError('the body is shorter than Content-Length', message);
  if (bytes > length) message.body = Buffer.from(message.body).subarray(0, length).toString();
  return message;
}

export interface CSeq {
  number: number;
  method: string;
}

export function cseqOf(message: SipMessage): CSeq | null {
  const match = /^(\d{1,10})[ \t]+(\S+)$/.exec(message.get('cseq') ?? '');
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const number = Number(match[1]);
  return number < 2 ** 31 ? { number, method: match[2] } : null;
}
