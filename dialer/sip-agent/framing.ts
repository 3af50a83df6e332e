import { MalformedError } from './message.js';

/** The largest message, headers and body, bytes. */
export const maxMessageBytes = 65_535;

/**
 * Cuts a TCP stream into SIP messages by Content-Length (RFC 3261 section 18.3), however they are split or
 * merged; empty lines between messages are keep-alives (RFC 5626 section 3.5.1).
 */
export class StreamFraming {
  #buffer: Buffer = Buffer.alloc(0);
  /** Up to here there is no end of headers in the buffer. */
  #searched = 0;

  /**
   * The messages that are whole now, and how many keep-alive pings came. Throws a {@link MalformedError} when
   * the stream can no longer be cut: the connection must be closed.
   */
  push(chunk: Buffer): { messages: string[]; pings: number } {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const messages: string[] = [];
    let pings = 0;
    for (;;) {
      let start = 0;
      while (this.#buffer[start] === 13 || this.#buffer[start] === 10) start += 1;
      if (start > 0) {
        pings += Math.floor(start / 4);
        this.#buffer = this.#buffer.subarray(start);
        this.#searched = 0;
      }
      const end = this.#buffer.indexOf('\r\n\r\n', this.#searched);
      if (end === -1) {
        this.#searched = Math.max(0, this.#buffer.length - 3);
        if (this.#buffer.length > maxMessageBytes) throw new MalformedError('headers without end');
        return { messages, pings };
      }
      const total = end + 4 + contentLength(this.#buffer.subarray(0, end).toString('latin1'));
      if (total > maxMessageBytes) throw new MalformedError('message too large');
      if (this.#buffer.length < total) {
        this.#searched = end;
        return { messages, pings };
      }
      messages.push(this.#buffer.subarray(0, total).toString());
      this.#buffer = this.#buffer.subarray(total);
      this.#searched = 0;
    }
  }
}

/** On a stream it must be there; without one the message is taken to have no body. */
function contentLength(head: string): number {
  for (const line of head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trimEnd().toLowerCase();
    if (name !== 'content-length' && name !== 'l') continue;
    const value = line.slice(colon + 1).trim();
    if (!/^\d{1,7}$/.test(value)) throw new MalformedError('Content-Length is no number');
    return Number(value);
  }
  return 0;
}
