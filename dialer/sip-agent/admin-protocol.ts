import type { Flow } from './transport.js';

/**
 * drachtio's admin protocol: `<byte length>#<payload>`, where a payload is one `|`-separated line and, for SIP,
 * CRLF and a message.
 */

/** The largest payload that a client may send, bytes. */
export const maxAdminBytes = 64 * 1024;

export class AdminProtocolError extends Error {
  override name = 'AdminProtocolError';
}

/** Cuts what a client sends into payloads. */
export class AdminFraming {
  #buffer: Buffer = Buffer.alloc(0);

  /** Throws an {@link AdminProtocolError} when the stream can no longer be cut. */
  push(chunk: Buffer): string[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const payloads: string[] = [];
    for (;;) {
      const hash = this.#buffer.indexOf(35);
      const digits = this.#buffer.subarray(0, hash === -1 ? 8 : hash).toString('latin1');
      if (!/^\d{0,7}$/.test(digits) || (hash === 0 && this.#buffer.length > 0)) {
        throw new AdminProtocolError('a length was expected');
      }
      if (hash === -1) return payloads;
      const length = Number(digits);
      if (length > maxAdminBytes) throw new AdminProtocolError(`a payload of ${length} bytes is too long`);
      if (this.#buffer.length < hash + 1 + length) return payloads;
      payloads.push(this.#buffer.subarray(hash + 1, hash + 1 + length).toString());
      this.#buffer = this.#buffer.subarray(hash + 1 + length);
    }
  }
}

export function frame(payload: string): string {
  return `${Buffer.byteLength(payload)}#${payload}`;
}

/** What a client asks for. */
export type AdminCommand = { msgId: string } & (
  | { kind: 'authenticate'; secret: string }
  | { kind: 'route' | 'remove_route'; verb: string }
  | { kind: 'ping' }
  | { kind: 'sip'; txnId: string; dialogId: string; proxy: string | null; text: string }
  | { kind: 'unknown'; name: string }
);

export function parseCommand(payload: string): AdminCommand {
  const end = payload.indexOf('\r\n');
  const line = end === -1 ? payload : payload.slice(0, end);
  const [msgId = '', name = '', first = '', second = '', third] = line.split('|');
  switch (name) {
    case 'authenticate':
      return { msgId, kind: name, secret: first };
    case 'route':
    case 'remove_route':
      return { msgId, kind: name, verb: first.toUpperCase() };
    case 'ping':
      return { msgId, kind: name };
    case 'sip':
      return {
        msgId,
        kind: name,
        txnId: first,
        dialogId: second,
        proxy: third === undefined || third === '' ? null : third,
        text: end === -1 ? '' : payload.slice(end + 2),
      };
    default:
      return { msgId, kind: 'unknown', name: name.slice(0, 40) };
  }
}

/** `source|bytes|protocol|address|port|time|txnId|dialogId`, as both replies and pushes tell of a message. */
export function describe(
  source: 'network' | 'application',
  text: string,
  flow: Flow,
  { txnId, dialogId }: { txnId: string; dialogId: string },
): string {
  const { transport, host, port } = flow;
  return `${source}|${Buffer.byteLength(text)}|${transport}|${host}|${port}|${timeOfDay()}|${txnId}|${dialogId}`;
}

let second = -1;
let clock = '';

/** UTC with microseconds, as drachtio-server writes it; the clock counts milliseconds. */
function timeOfDay(): string {
  const now = Date.now();
  const whole = Math.floor(now / 1_000);
  if (whole !== second) {
    second = whole;
    clock = new Date(now).toISOString().slice(11, 19);
  }
  return `${clock}.${String(now % 1_000).padStart(3, '0')}000`;
}
