import type { RawData, WebSocket } from 'ws';

export type TransportName = 'Socket.IO' | 'WebSocket';

export interface MemberEvents {
  subscribed(): void;
  fault(what: string): void;
}

interface Wanted {
  transport: TransportName;
  token: string;
  topic: string;
}

/** How each transport writes things, as text. Engine.IO 4: 0 open, 2 ping, 3 pong, 4 message of Socket.IO. */
const wordings = {
  'Socket.IO': {
    subscribe: (topic: string) => `420["subscribe",${JSON.stringify({ topic })}]`,
    ack: '430[',
    event: '42["event",',
  },
  WebSocket: {
    subscribe: (topic: string) => JSON.stringify({ op: 'subscribe', id: 1, topic }),
    ack: '{"op":"ack"',
    event: '{"op":"event"',
  },
} as const;

/** One subscriber of a crowd, which looks at no more of a message than it must. */
export class Member {
  events = 0;
  #last: number | null = null;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly wanted: Wanted,
    private readonly on: MemberEvents,
  ) {
    webSocket.on('message', (data: RawData) => this.#received((data as Buffer).toString('latin1')));
    webSocket.on('error', (error: Error) => on.fault(String(error)));
    webSocket.on('close', (code: number) => on.fault(`closed with ${code}`));
    if (wanted.transport === 'WebSocket') webSocket.on('open', () => this.#subscribe());
  }

  #subscribe(): void {
    this.webSocket.send(wordings[this.wanted.transport].subscribe(this.wanted.topic));
  }

  #received(text: string): void {
    const { event, ack } = wordings[this.wanted.transport];
    if (text.startsWith(event)) this.#event(seqOf(text));
    else if (text.startsWith(ack)) this.#answered(text);
    else if (this.wanted.transport === 'Socket.IO') this.#engine(text);
  }

  #engine(text: string): void {
    if (text.startsWith('0')) this.webSocket.send(`40${JSON.stringify({ token: this.wanted.token })}`);
    else if (text.startsWith('40')) this.#subscribe();
    else if (text === '2') this.webSocket.send('3');
    else if (text.startsWith('44') || text.startsWith('42["resync"')) this.on.fault(text.slice(0, 200));
  }

  #event(seq: number): void {
    if (this.#last === null || seq !== this.#last + 1) this.on.fault(`${seq} after ${this.#last}`);
    this.#last = seq;
    this.events += 1;
  }

  #answered(text: string): void {
    if (!text.includes('"ok":true')) return this.on.fault(text.slice(0, 200));
    this.#last = seqOf(text);
    this.on.subscribed();
  }
}

/** The first number called so: in an event it is the only one, in an answer it is the cursor's. */
function seqOf(text: string): number {
  return Number(/"seq":(\d+)/.exec(text)?.[1]);
}
