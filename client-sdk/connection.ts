import { io, type Socket } from 'socket.io-client';
import type { ReconnectPolicy } from './backoff.js';
import type { ConnectionState, Cursor, LiveEvent } from './types.js';

/** An API key or stream token, or what gets one: it is asked before every try to connect. */
export type Token = string | (() => string | Promise<string>);

export interface ConnectionOptions {
  url: string;
  token: Token;
  reconnect: ReconnectPolicy;
}

/** What a connection tells its client. */
export interface ConnectionEvents {
  opened(): void;
  lost(): void;
  stateChanged(state: ConnectionState): void;
  event(event: LiveEvent): void;
  heartbeat(heads: Record<string, Cursor>): void;
  resync(topic: string, code: string): void;
}

const tokenMs = 15_000;
const connectMs = 15_000;
const answerMs = 15_000;

/** One connection that comes back by itself. Every try has a socket of its own, so that none inherits anything. */
export class Connection {
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #state: ConnectionState = { status: 'connecting', code: 'connecting', reason: 'connecting' };

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
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
    const socket = this.#socket;
    socket?.timeout(answerMs).emit(name, body, (error: Error | null, answer: unknown) => {
      if (socket !== this.#socket) return;
      if (error === null) this.#failures = 0;
      onAnswer(error === null ? answer : undefined);
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
    const socket = io(this.options.url, {
      auth: { token },
      forceNew: true,
      reconnection: false,
      autoConnect: false,
      // Straight to WebSocket: no gateway needs to know a session of another one.
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
    });
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#failed('unreachable', 'the server does not answer'), connectMs);
    this.#listen(socket);
    socket.connect();
  }

  async #token(): Promise<string> {
    const { token } = this.options;
    return typeof token === 'string' ? token : token();
  }

  #listen(socket: Socket): void {
    socket.on('connect', () => {
      clearTimeout(this.#timer);
      this.#become({ status: 'connected', code: 'connected', reason: 'connected' });
      this.events.opened();
    });
    socket.on('connect_error', (error: Error) => {
      if (error.message !== 'unauthorized') return this.#failed('unreachable', error.message);
      // A fixed token does not get better.
      if (typeof this.options.token !== 'string')
        return this.#failed('unauthorized', 'the token is not accepted');
      this.#end({ status: 'closed', code: 'unauthorized', reason: 'the token is not accepted' });
    });
    socket.on('disconnect', (reason) => this.#failed('lost', reason));
    socket.on('event', (event: LiveEvent) => {
      this.#failures = 0;
      if (isPlaced(event)) this.events.event(event);
    });
    socket.on('heartbeat', (message: { heads?: Record<string, Cursor> } | undefined) => {
      if (message?.heads) this.events.heartbeat(message.heads);
    });
    socket.on('resync', (message: { topic?: string; code?: string } | undefined) => {
      if (message?.topic !== undefined) this.events.resync(message.topic, message.code ?? 'unknown');
    });
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
    const socket = this.#socket;
    this.#socket = null;
    socket?.off();
    socket?.disconnect();
  }

  #become(state: ConnectionState): void {
    const wasOpen = this.isOpen;
    this.#state = state;
    if (wasOpen && !this.isOpen) this.events.lost();
    this.events.stateChanged(state);
  }
}

/** The server's word is checked for what the stream depends on, and taken for the rest. */
function isPlaced(event: LiveEvent | undefined): event is LiveEvent {
  return (
    typeof event?.topic === 'string' &&
    typeof event.epoch === 'string' &&
    Number.isSafeInteger(event.seq) &&
    typeof event.type === 'string'
  );
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
