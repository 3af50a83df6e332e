import { messageOf } from './message-of.js';
import { answerMs, type Transport, type TransportFault, type TransportListener } from './transport.js';

/** The part of a WebSocket that is used, as browsers and the package `ws` have it. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: unknown) => void): void;
  send(text: string): void;
  close(): void;
}

/** The class of a WebSocket. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** Settings of {@link webSocket}. */
export interface WebSocketOptions {
  /** The class to use: the platform's own when left out. Node 20 has none; the one of `ws` fits. */
  WebSocket?: WebSocketConstructor;
}

/**
 * Plain WebSocket. The token stands in the address: give stream tokens to browsers, not keys.
 * Throws a TypeError where there is no WebSocket.
 */
export function webSocket(options: WebSocketOptions = {}): Transport {
  const constructor = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (constructor === undefined) {
    throw new TypeError('There is no WebSocket here: give its class as webSocket({ WebSocket }).');
  }
  return {
    open({ url, token }, listener) {
      const address = new URL(url);
      address.pathname = `${address.pathname.replace(/\/$/, '')}/v1/stream`;
      address.search = `?token=${encodeURIComponent(token)}`;
      address.hash = '';
      return new WebSocketLink(address.href, constructor, listener);
    },
  };
}

/** Milliseconds that the question has why a WebSocket did not open. */
const whyMs = 5_000;

class WebSocketLink {
  readonly #socket: WebSocketLike;
  readonly #waiting = new Map<number, { onAnswer: (answer: unknown) => void; timer: Timer }>();
  readonly #abort = new AbortController();
  #requests = 0;
  /** The HTTP status instead of a WebSocket, where it is told. */
  #refusal: number | null = null;
  #isOpen = false;
  #isOver = false;

  constructor(
    private readonly address: string,
    constructor: WebSocketConstructor,
    private readonly listener: TransportListener,
  ) {
    this.#socket = new constructor(address.replace(/^http/, 'ws'));
    this.#socket.addEventListener('open', () => this.#opened());
    this.#socket.addEventListener('message', (event) => this.#received((event as { data?: unknown }).data));
    this.#socket.addEventListener('close', (event) => void this.#closed(event as ClosingEvent));
    // `close` follows. Browsers say nothing here; the package `ws` says how HTTP refused it.
    this.#socket.addEventListener('error', (event) => {
      const { message = '' } = event as { message?: string };
      this.#refusal = Number(/response: (\d{3})/.exec(message)?.[1]) || null;
    });
  }

  request(name: string, body: object, onAnswer: (answer: unknown) => void): void {
    if (!this.#isOpen || this.#isOver) return;
    const id = (this.#requests += 1);
    const timer = setTimeout(() => this.#answer(id, undefined), answerMs);
    this.#waiting.set(id, { onAnswer, timer });
    this.#socket.send(JSON.stringify({ op: name, id, ...body }));
  }

  close(): void {
    this.#end();
    this.#abort.abort();
    this.#socket.close();
  }

  #opened(): void {
    if (this.#isOver) return;
    this.#isOpen = true;
    this.listener.opened();
  }

  #received(data: unknown): void {
    const frame = this.#isOver ? null : parsed(data);
    if (frame === null) return;
    const { op, ...message } = frame;
    if (op === 'event' || op === 'heartbeat' || op === 'resync') this.listener.received(op, message);
    else if (op === 'ack') this.#answer(frame['id'], frame);
  }

  #answer(id: unknown, answer: unknown): void {
    const waiting = this.#waiting.get(id as number);
    if (waiting === undefined) return;
    this.#waiting.delete(id as number);
    clearTimeout(waiting.timer);
    waiting.onAnswer(answer);
  }

  async #closed({ code, reason }: ClosingEvent): Promise<void> {
    if (this.#isOver) return;
    if (this.#isOpen) {
      this.#end();
      const text = `closed with ${code}${reason ? `: ${reason}` : ''}`;
      return this.listener.closed(faults[code] ?? 'lost', text);
    }
    const [fault, why] = this.#refusal === null ? await this.#ask() : meaningOf(this.#refusal);
    if (this.#isOver) return;
    this.#end();
    this.listener.closed(fault, why);
  }

  /** A browser's WebSocket does not tell why it was not opened; a plain request to its address does. */
  async #ask(): Promise<[TransportFault, string]> {
    const timer = setTimeout(() => this.#abort.abort(), whyMs);
    try {
      const { status, body } = await fetch(this.address, { signal: this.#abort.signal });
      await body?.cancel();
      return meaningOf(status);
    } catch (error) {
      return ['unreachable', messageOf(error)];
    } finally {
      clearTimeout(timer);
    }
  }

  #end(): void {
    this.#isOver = true;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}

/** What it means that a WebSocket was answered with this HTTP status. */
function meaningOf(status: number): [TransportFault, string] {
  if (status === 401) return ['unauthorized', 'the token is not accepted'];
  if (status === 429) return ['rate_limited', 'too many connections'];
  if (status >= 500) return ['unavailable', `the server takes no connections now: ${status}`];
  return ['unreachable', `no WebSocket was opened, and HTTP answers ${status}`];
}

type Timer = ReturnType<typeof setTimeout>;

interface ClosingEvent {
  code: number;
  reason: string;
}

/** What the gateway says by closing; all else is a lost connection. */
const faults: Record<number, TransportFault> = { 4401: 'unauthorized', 4429: 'rate_limited' };

function parsed(data: unknown): Record<string, unknown> | null {
  if (typeof data !== 'string') return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === 'object' && frame !== null ? (frame as Record<string, unknown>) : null;
  } catch {
    // What cannot be read is no message: the next number or heartbeat tells what it was worth.
    return null;
  }
}
