import type { Socket as NetSocket } from 'node:net';
import type { Cursor, LiveEvent } from '@dialstream/shared/events/contract.js';
import type { Heads, Resync, SubscribeAck } from '@dialstream/shared/events/protocol.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { io, type Socket } from 'socket.io-client';
import { WebSocket, type RawData } from 'ws';

const patienceMs = 20_000;

export const transports = ['Socket.IO', 'WebSocket'] as const;
export type TransportName = (typeof transports)[number];

export function rawClient(transport: TransportName, url: string, token: unknown): RawClient {
  return transport === 'Socket.IO'
    ? new RawSocketIoClient(url, token)
    : new RawWebSocketClient(url, typeof token === 'string' ? token : '');
}

/** A client without any intelligence: it keeps all that comes, in order. */
export abstract class RawClient {
  readonly events: LiveEvent[] = [];
  readonly heartbeats: Heads[] = [];
  readonly resyncs: Resync[] = [];
  /** What came, by name, in order. */
  readonly order: string[] = [];
  readonly #waiting = new Set<() => void>();

  abstract readonly isConnected: boolean;
  /** Throws the code with which it was refused. */
  abstract connected(): Promise<void>;
  abstract ask(name: 'subscribe' | 'unsubscribe', body?: unknown): Promise<unknown>;
  abstract close(): void;
  /** What is below; a test that pauses it is a client that hangs. */
  protected abstract network(): NetSocket;

  async subscribe(topic: string, cursor?: Cursor, mode?: string): Promise<SubscribeAck> {
    return this.ask('subscribe', {
      topic,
      ...(cursor && { cursor }),
      ...(mode && { mode }),
    }) as Promise<SubscribeAck>;
  }

  /** Subscribes, and fails unless it is accepted. */
  async subscribed(
    topic: string,
    cursor?: Cursor,
    mode?: string,
  ): Promise<Extract<SubscribeAck, { ok: true }>> {
    const ack = await this.subscribe(topic, cursor, mode);
    if (!ack.ok) throw new Error(`subscribe was refused: ${ack.code}`);
    return ack;
  }

  /** Stops reading from the network, as a client that hangs does. Gives what goes on. */
  hang(): () => void {
    const network = this.network();
    network.pause();
    return () => network.resume();
  }

  /** Resolves once `check` holds; looks whenever something came. */
  async until(what: string, check: (client: this) => boolean): Promise<void> {
    let look: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      look = () => {
        if (check(this)) resolve();
      };
      this.#waiting.add(look);
      look();
    });
    try {
      await within(patienceMs, what, held);
    } finally {
      if (look) this.#waiting.delete(look);
    }
  }

  async disconnected(): Promise<void> {
    await this.until('disconnect', ({ isConnected }) => !isConnected);
  }

  seqs(topic?: string): number[] {
    return this.events.filter((event) => (topic ?? event.topic) === event.topic).map(({ seq }) => seq);
  }

  protected came(name: string, message: unknown): void {
    if (name === 'event') this.events.push(message as LiveEvent);
    if (name === 'heartbeat') this.heartbeats.push((message as { heads: Heads }).heads);
    if (name === 'resync') this.resyncs.push(message as Resync);
    this.order.push(name);
    this.look();
  }

  protected look(): void {
    for (const look of this.#waiting) look();
  }
}

export class RawSocketIoClient extends RawClient {
  readonly socket: Socket;

  constructor(url: string, token: unknown, engineTransports = ['websocket']) {
    super();
    this.socket = io(url, {
      auth: { token },
      forceNew: true,
      reconnection: false,
      transports: engineTransports,
    });
    for (const name of ['event', 'heartbeat', 'resync']) {
      this.socket.on(name, (message: unknown) => this.came(name, message));
    }
    this.socket.on('disconnect', () => this.look());
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  async connected(): Promise<void> {
    const connection = new Promise<void>((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('connect_error', reject);
    });
    await within(patienceMs, 'connection', connection);
  }

  ask(name: string, ...body: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.socket.timeout(patienceMs).emit(name, ...body, (error: Error | null, answer: unknown) => {
        this.order.push(`${name} answered`);
        if (error) reject(error);
        else resolve(answer);
      });
    });
  }

  close(): void {
    this.socket.disconnect();
  }

  protected network(): NetSocket {
    const { transport } = this.socket.io.engine as unknown as { transport: { ws: { _socket: NetSocket } } };
    return transport.ws._socket;
  }
}

type Frame = { op: string; id?: number } & Record<string, unknown>;

export class RawWebSocketClient extends RawClient {
  readonly socket: WebSocket;
  /** Frames with which the gateway says that it cannot read ours. */
  readonly errors: Frame[] = [];
  /** How the gateway closed it. */
  closedWith: { code: number; reason: string } | null = null;
  readonly #asked = new Map<number, { op: string; resolve: (answer: unknown) => void }>();
  readonly #opened: Promise<void>;
  #lastId = 0;

  constructor(url: string, token: string, headers: Record<string, string> = {}) {
    super();
    const address = new URL('/v1/stream', url.replace(/^http/, 'ws'));
    if (token !== '') address.searchParams.set('token', token);
    this.socket = new WebSocket(address, { headers });
    this.#opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
      this.socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => reject(new Error((JSON.parse(body) as { code: string }).code)));
      });
    });
    this.#opened.catch(() => undefined);
    this.socket.on('error', () => this.look());
    this.socket.on('message', (data) => this.#received(data));
    this.socket.on('close', (code, reason) => {
      this.closedWith = { code, reason: reason.toString() };
      this.look();
    });
  }

  get isConnected(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  async connected(): Promise<void> {
    await within(patienceMs, 'connection', this.#opened);
  }

  async ask(op: string, body?: unknown): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve) => this.#asked.set(id, { op, resolve }));
    this.send({ ...(body as object | undefined), op, id });
    return within(patienceMs, op, answer);
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  close(): void {
    this.socket.terminate();
  }

  protected network(): NetSocket {
    return (this.socket as unknown as { _socket: NetSocket })._socket;
  }

  #received(data: RawData): void {
    const frame = JSON.parse((data as Buffer).toString()) as Frame;
    const { op, id, ...rest } = frame;
    if (op === 'ack') return this.#answered(id ?? 0, rest);
    if (op === 'error') this.errors.push(frame);
    // An event has an id of its own.
    this.came(op, op === 'event' ? { id, ...rest } : rest);
  }

  #answered(id: number, answer: unknown): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    this.order.push(`${asked?.op} answered`);
    asked?.resolve(answer);
  }
}
