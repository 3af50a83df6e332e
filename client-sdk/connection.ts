import type { ReconnectPolicy } from './backoff.js';
import type { LiveEvent } from './generated/types.js';
import { messageOf } from './message-of.js';
import { isPlace } from './place.js';
import type { Transport, TransportFault, TransportLink } from './transport.js';
import type { ConnectionState } from './types.js';
import { Watchdog } from './watchdog.js';

/** An API key or stream token, or what gets one: it is asked before every try to connect. */
export type Token = string | (() => string | Promise<string>);

export interface ConnectionOptions {
  url: string;
  token: Token;
  transport: Transport;
  reconnect: ReconnectPolicy;
  /** Milliseconds without any message after which the connection is given up. */
  silenceMs: number;
}

/** What a connection tells its client. */
export interface ConnectionEvents {
  opened(): void;
  lost(): void;
  stateChanged(state: ConnectionState): void;
  event(event: LiveEvent): void;
  heartbeat(heads: Record<string, unknown>): void;
  resync(topic: string, code: string): void;
}

const tokenMs = 15_000;
const connectMs = 15_000;

/** One connection that comes back by itself, over whatever transport. */
export class Connection {
  #link: TransportLink | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #state: ConnectionState = { status: 'connecting', code: 'connecting', reason: 'connecting' };
  readonly #watchdog: Watchdog;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
    this.#watchdog = new Watchdog(options.silenceMs, () =>
      this.#failed('silent', `nothing came for ${options.silenceMs} ms`),
    );
    void this.#attempt();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.status === 'connected';
  }

  /** Asks the server. Answers once, with undefined when no answer came. Only while it is open. */
  request(name: 'subscribe' | 'unsubscribe', body: object, onAnswer: (answer: unknown) => void): void {
    const link = this.#link;
    link?.request(name, body, (answer) => {
      if (link !== this.#link) return;
      if (answer !== undefined) this.#heard();
      onAnswer(answer);
    });
  }

  close(): void {
    this.#end({ status: 'closed', code: 'closed', reason: 'closed by the client' });
  }

  async #attempt(): Promise<void> {
    let token: string;
    try {
      token = await within(tokenMs, this.#token());
    } catch (error) {
      return this.#failed('no_token', `no token: ${messageOf(error)}`);
    }
    if (this.#state.status === 'closed') return;
    this.#timer = setTimeout(() => this.#failed('unreachable', 'the server does not answer'), connectMs);
    try {
      this.#open(token);
    } catch (error) {
      this.#failed('unreachable', messageOf(error));
    }
  }

  async #token(): Promise<string> {
    const { token } = this.options;
    return typeof token === 'string' ? token : token();
  }

  #open(token: string): void {
    const { transport, url } = this.options;
    const link = transport.open(
      { url, token },
      {
        opened: () => {
          if (link === this.#link) this.#opened();
        },
        received: (name, message) => {
          if (link === this.#link) this.#received(name, message);
        },
        closed: (code, reason) => {
          if (link === this.#link) this.#closed(code, reason);
        },
      },
    );
    this.#link = link;
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#watchdog.start();
    this.#become({ status: 'connected', code: 'connected', reason: 'connected' });
    this.events.opened();
  }

  /** The server's word is checked for what the stream depends on, and taken for the rest. */
  #received(name: 'event' | 'heartbeat' | 'resync', message: unknown): void {
    this.#heard();
    if (typeof message !== 'object' || message === null) return;
    if (name === 'event') {
      if (isPlaced(message)) this.events.event(message);
    } else if (name === 'heartbeat') {
      const { heads } = message as { heads?: unknown };
      if (typeof heads === 'object' && heads !== null)
        this.events.heartbeat(heads as Record<string, unknown>);
    } else {
      const { topic, code } = message as { topic?: unknown; code?: unknown };
      if (typeof topic === 'string') this.events.resync(topic, typeof code === 'string' ? code : 'unknown');
    }
  }

  /** The connection has shown that it works. */
  #heard(): void {
    this.#failures = 0;
    this.#watchdog.heard();
  }

  #closed(code: TransportFault, reason: string): void {
    // A fixed token does not get better.
    if (code === 'unauthorized' && typeof this.options.token === 'string') {
      return this.#end({ status: 'closed', code, reason: 'the token is not accepted' });
    }
    this.#failed(code, reason);
  }

  #failed(code: ConnectionState['code'], reason: string): void {
    if (this.#state.status === 'closed') return;
    this.#drop();
    this.#failures += 1;
    const delay = this.options.reconnect.delayMs(this.#failures);
    if (delay === null) return this.#end({ status: 'closed', code: 'given_up', reason });
    this.#timer = setTimeout(() => void this.#attempt(), delay);
    this.#become({ status: 'reconnecting', code, reason });
  }

  #end(state: ConnectionState): void {
    if (this.#state.status === 'closed') return;
    this.#drop();
    this.#become(state);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#watchdog.stop();
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  #become(state: ConnectionState): void {
    const wasOpen = this.isOpen;
    this.#state = state;
    if (wasOpen && !this.isOpen) this.events.lost();
    this.events.stateChanged(state);
  }
}

function isPlaced(message: object): message is LiveEvent {
  const { topic, type, seq, epoch } = message as Partial<LiveEvent>;
  return typeof topic === 'string' && typeof type === 'string' && isPlace({ epoch, seq });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
