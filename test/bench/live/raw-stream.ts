import { WebSocket } from 'ws';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { SubscribeAck } from '@dialstream/shared/events/protocol.js';

export const transports = ['socket.io', 'websocket'] as const;
export type Transport = (typeof transports)[number];

export interface StreamOptions {
  transport: Transport;
  /** Such as `http://127.0.0.1:3000`. */
  url: string;
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

type Acknowledged = Extract<SubscribeAck, { ok: true }>;

/**
 * A client that costs little, so that thousands of them fit beside the server: it looks at no more of an
 * event than its `seq`, which stands last in it. Socket.IO's framing is done by hand: `42[…]` is an event of
 * the default namespace, `43<id>[…]` its acknowledgement, `2` a ping.
 */
export class RawStream {
  cursor: Cursor | null = null;
  /** Called once the last event to come has this `seq`. */
  #awaited: { seq: number; reached: () => void } | null = null;
  #socket: WebSocket | null = null;
  #acknowledged: (ack: SubscribeAck) => void = () => undefined;

  constructor(
    private readonly options: StreamOptions,
    private readonly counts: Counts,
  ) {}

  /** Connects and subscribes, from its cursor if it has one. */
  async open(): Promise<Acknowledged> {
    const { transport, url, token } = this.options;
    const address = url.replace(/^http/, 'ws');
    const socket = new WebSocket(
      transport === 'socket.io'
        ? `${address}/socket.io/?EIO=4&transport=websocket`
        : `${address}/v1/stream?token=${encodeURIComponent(token)}`,
      { perMessageDeflate: false, skipUTF8Validation: true },
    );
    this.#socket = socket;
    const ack = await new Promise<SubscribeAck>((resolve, reject) => {
      this.#acknowledged = resolve;
      const refuse = (why: string): void => reject(new Error(why));
      socket.on('error', (error) => refuse(error.message));
      socket.on('close', (code) => {
        refuse(`closed with ${code}`);
        if (socket === this.#socket) this.counts.lost += 1;
      });
      if (transport === 'socket.io') {
        socket.on('message', (frame: Buffer) => this.#packet(frame, refuse));
      } else {
        socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', id: 1, ...this.#request() })));
        socket.on('message', (frame: Buffer) => this.#frame(frame));
      }
    });
    if (!ack.ok) throw new Error(`subscribe was refused: ${ack.code}`);
    return ack;
  }

  /** Resolves once the event with this `seq` has come. */
  async reach(seq: number): Promise<void> {
    if ((this.cursor?.seq ?? 0) >= seq) return;
    await new Promise<void>((reached) => {
      this.#awaited = { seq, reached };
    });
  }

  /** Ends the connection at once. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.terminate();
  }

  #request(): object {
    return { topic: this.options.topic, ...(this.cursor && { cursor: this.cursor }) };
  }

  #packet(frame: Buffer, refuse: (why: string) => void): void {
    // `42["event",…`
    if (frame[0] === 0x34 && frame[1] === 0x32 && frame[4] === 0x65) return this.#event(frame);
    const text = frame.toString();
    if (text === '2') this.#socket?.send('3');
    else if (text.startsWith('0')) this.#socket?.send(`40${JSON.stringify({ token: this.options.token })}`);
    else if (text.startsWith('40'))
      this.#socket?.send(`421${JSON.stringify(['subscribe', this.#request()])}`);
    else if (text.startsWith('431')) this.#acknowledge((JSON.parse(text.slice(3)) as [SubscribeAck])[0]);
    else if (text.startsWith('44')) refuse(text);
    else if (text.startsWith('42["heartbeat"')) this.counts.heartbeats += 1;
    else if (text.startsWith('42["resync"')) this.counts.resyncs += 1;
  }

  #frame(frame: Buffer): void {
    // `{"op":"event",…`; whatever else has another letter there.
    if (frame[7] === 0x65 && frame[8] === 0x76) return this.#event(frame);
    const message = JSON.parse(frame.toString()) as { op: string };
    if (message.op === 'ack') this.#acknowledge(message as unknown as SubscribeAck);
    else if (message.op === 'heartbeat') this.counts.heartbeats += 1;
    else if (message.op === 'resync') this.counts.resyncs += 1;
    else throw new Error(`a frame that is none: ${JSON.stringify(message).slice(0, 200)}`);
  }

  #acknowledge(ack: SubscribeAck): void {
    // Before the events that follow in the same read.
    if (ack.ok) this.cursor = ack.cursor;
    this.#acknowledged(ack);
  }

  #event(frame: Buffer): void {
    const { cursor, counts } = this;
    counts.events += 1;
    if (cursor === null) return;
    let at = frame.lastIndexOf('"seq":') + 6;
    let seq = 0;
    for (let digit = frame[at] ?? 0; digit >= 0x30 && digit <= 0x39; digit = frame[at] ?? 0) {
      seq = seq * 10 + digit - 0x30;
      at += 1;
    }
    if (seq !== cursor.seq + 1) counts.gaps += 1;
    cursor.seq = seq;
    if (this.#awaited !== null && seq >= this.#awaited.seq) {
      this.#awaited.reached();
      this.#awaited = null;
    }
  }
}
