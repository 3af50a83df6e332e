import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { SubscribeAck } from '@dialstream/shared/events/protocol.js';
import { openLightSocket, type LightSocket } from './light-socket.js';

export const transports = ['socket.io', 'websocket'] as const;
export type Transport = (typeof transports)[number];

export interface StreamOptions {
  transport: Transport;
  /** Of a server on this machine. */
  port: number;
  token: string;
  topic: string;
}

/** What is counted over all streams of a process. */
export interface Counts {
  events: number;
  /** Events whose `seq` was not the one after the last. */
  gaps: number;
  resyncs: number;
  heartbeats: number;
  /** Connections that ended, unless by `close`. */
  lost: number;
}

/**
 * A subscriber that looks at no more of an event than its `seq`. Socket.IO's framing is done by hand: `0` and
 * `40` open, `42[…]` is an event of the default namespace, `431[…]` the acknowledgement of request 1, `2` a ping.
 */
export class RawStream {
  cursor: Cursor | null = null;
  #socket: LightSocket | null = null;
  #awaited: { seq: number; reached: () => void; broken: (why: Error) => void } | null = null;
  #acknowledged: (ack: SubscribeAck) => void = () => undefined;
  #refused: (why: string) => void = () => undefined;

  constructor(
    private readonly options: StreamOptions,
    private readonly counts: Counts,
  ) {}

  /** Connects and subscribes, from its cursor if it has one. Tells whether that was continued. */
  async open(): Promise<{ recovered: boolean }> {
    const { transport, port, token } = this.options;
    const ack = await new Promise<SubscribeAck>((resolve, reject) => {
      this.#acknowledged = resolve;
      this.#refused = (why) => reject(new Error(why));
      const isSocketIo = transport === 'socket.io';
      this.#socket = openLightSocket({
        port,
        path: isSocketIo
          ? '/socket.io/?EIO=4&transport=websocket'
          : `/v1/stream?token=${encodeURIComponent(token)}`,
        onOpen: () => {
          if (!isSocketIo) this.#send({ op: 'subscribe', id: 1, ...this.#request() });
        },
        onText: isSocketIo ? this.#packet : this.#frame,
        onLost: (why) => {
          this.counts.lost += 1;
          this.#broken(why);
        },
      });
    });
    if (!ack.ok) throw new Error(`subscribe was refused: ${ack.code}`);
    return ack;
  }

  /** Resolves once the event with this `seq` has come. Throws when the connection or the subscription ends. */
  async reach(seq: number): Promise<void> {
    if ((this.cursor?.seq ?? 0) >= seq) return;
    await new Promise<void>((reached, broken) => {
      this.#awaited = { seq, reached, broken };
    });
  }

  /** Ends the connection at once. */
  close(): void {
    this.#socket?.close();
  }

  #request(): object {
    return { topic: this.options.topic, ...(this.cursor && { cursor: this.cursor }) };
  }

  #send(message: object, prefix = ''): void {
    this.#socket?.send(prefix + JSON.stringify(message));
  }

  readonly #packet = (buffer: Buffer, start: number, end: number): void => {
    // The letter after `42["`: that of `event`.
    if (buffer[start + 4] === 0x65 && buffer[start + 1] === 0x32) return this.#event(buffer, end);
    const text = buffer.toString('utf8', start, end);
    if (text === '2') this.#socket?.send('3');
    else if (text.startsWith('0')) this.#send({ token: this.options.token }, '40');
    else if (text.startsWith('40')) this.#send(['subscribe', this.#request()], '421');
    else if (text.startsWith('431')) this.#acknowledge((JSON.parse(text.slice(3)) as [SubscribeAck])[0]);
    else if (text.startsWith('42["heartbeat"')) this.counts.heartbeats += 1;
    else if (text.startsWith('42["resync"')) this.#resync(text);
    else this.#broken(text);
  };

  readonly #frame = (buffer: Buffer, start: number, end: number): void => {
    // The letters after `{"op":"`: those of `event`.
    if (buffer[start + 7] === 0x65 && buffer[start + 8] === 0x76) return this.#event(buffer, end);
    const message = JSON.parse(buffer.toString('utf8', start, end)) as { op: string };
    if (message.op === 'ack') this.#acknowledge(message as unknown as SubscribeAck);
    else if (message.op === 'heartbeat') this.counts.heartbeats += 1;
    else if (message.op === 'resync') this.#resync(JSON.stringify(message));
    else throw new Error(`a frame that should not come: ${JSON.stringify(message).slice(0, 200)}`);
  };

  #resync(why: string): void {
    this.counts.resyncs += 1;
    this.#broken(why);
  }

  #broken(why: string): void {
    this.#refused(why);
    this.#awaited?.broken(new Error(why));
    this.#awaited = null;
  }

  #acknowledge(ack: SubscribeAck): void {
    // At once, before the events that follow in the same read.
    if (ack.ok) this.cursor = ack.cursor;
    this.#acknowledged(ack);
  }

  #event(buffer: Buffer, end: number): void {
    const { cursor, counts } = this;
    counts.events += 1;
    if (cursor === null) return;
    const seq = lastSeq(buffer, end);
    if (seq !== cursor.seq + 1) counts.gaps += 1;
    cursor.seq = seq;
    if (this.#awaited !== null && seq >= this.#awaited.seq) {
      this.#awaited.reached();
      this.#awaited = null;
    }
  }
}

const digits = { from: 0x30, to: 0x39 };

/** The number with which an event's text ends, before its brackets: its `seq`, which stands last. */
function lastSeq(buffer: Buffer, end: number): number {
  let at = end - 1;
  while (buffer[at] === 0x7d || buffer[at] === 0x5d) at -= 1;
  let seq = 0;
  for (let unit = 1, byte = buffer[at] ?? 0; byte >= digits.from && byte <= digits.to; unit *= 10) {
    seq += (byte - digits.from) * unit;
    at -= 1;
    byte = buffer[at] ?? 0;
  }
  if (buffer.toString('latin1', at - 5, at + 1) !== '"seq":')
    throw new Error('seq does not stand last in an event');
  return seq;
}
