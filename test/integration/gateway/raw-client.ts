import type { Cursor, LiveEvent } from '@dialstream/shared/events/contract.js';
import type { Heads, SubscribeAck } from '@dialstream/shared/events/protocol.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { io, type Socket } from 'socket.io-client';

const patienceMs = 20_000;

/** A Socket.IO client without any intelligence: it keeps all that comes, in order. */
export class RawClient {
  readonly socket: Socket;
  readonly events: LiveEvent[] = [];
  readonly heartbeats: Heads[] = [];
  readonly resyncs: { topic: string; code: string }[] = [];
  /** What came, by name, in order. */
  readonly order: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(url: string, token: unknown, transports = ['websocket']) {
    this.socket = io(url, { auth: { token }, forceNew: true, reconnection: false, transports });
    this.socket.on('event', (event: LiveEvent) => this.#came('event', this.events, event));
    this.socket.on('heartbeat', ({ heads }: { heads: Heads }) =>
      this.#came('heartbeat', this.heartbeats, heads),
    );
    this.socket.on('resync', (resync: { topic: string; code: string }) =>
      this.#came('resync', this.resyncs, resync),
    );
    this.socket.on('disconnect', () => this.#look());
  }

  async connected(): Promise<void> {
    await within(
      patienceMs,
      'connection',
      new Promise<void>((resolve, reject) => {
        this.socket.once('connect', resolve);
        this.socket.once('connect_error', reject);
      }),
    );
  }

  async subscribe(topic: string, cursor?: Cursor): Promise<SubscribeAck> {
    return this.ask('subscribe', { topic, ...(cursor && { cursor }) }) as Promise<SubscribeAck>;
  }

  /** Subscribes, and fails unless it is accepted. */
  async subscribed(topic: string, cursor?: Cursor): Promise<Extract<SubscribeAck, { ok: true }>> {
    const ack = await this.subscribe(topic, cursor);
    if (!ack.ok) throw new Error(`subscribe was refused: ${ack.code}`);
    return ack;
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

  seqs(topic?: string): number[] {
    return this.events.filter((event) => (topic ?? event.topic) === event.topic).map(({ seq }) => seq);
  }

  close(): void {
    this.socket.disconnect();
  }

  #came<T>(name: string, list: T[], message: T): void {
    list.push(message);
    this.order.push(name);
    this.#look();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
