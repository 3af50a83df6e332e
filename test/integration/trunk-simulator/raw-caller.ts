import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';

/** A SIP message as it was on the wire. */
export interface WireMessage {
  startLine: string;
  /** 0 for a request. */
  status: number;
  header(name: string): string;
  body: string;
}

export interface RawInvite {
  number: string;
  callId: string;
  branch: string;
  cseq: number;
  authorization?: string;
}

/**
 * A caller made of one UDP socket: it sees and sends exactly what is on the wire. It retransmits nothing, and
 * by itself sends only the ACK of a refusal.
 */
export class RawCaller {
  readonly received: WireMessage[] = [];
  readonly #socket: Socket;
  readonly #trunkPort: number;
  /** Resolves when the last message has left, and so all of them. */
  #sent: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  private constructor(socket: Socket, trunkPort: number) {
    this.#socket = socket;
    this.#trunkPort = trunkPort;
    socket.on('message', (datagram) => {
      const message = parse(datagram.toString());
      this.received.push(message);
      if (message.status >= 300 && message.header('cseq').endsWith('INVITE')) this.#ackRefusal(message);
      this.#wake();
    });
  }

  static async open(trunkPort: number): Promise<RawCaller> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawCaller(socket, trunkPort);
  }

  async close(): Promise<void> {
    // A socket drops what it has not sent yet.
    await this.#sent;
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  static newInvite(number: string): RawInvite {
    return { number, callId: `${token()}@raw`, branch: token(), cseq: 1 };
  }

  invite(invite: RawInvite): void {
    const { authorization } = invite;
    const extra = [
      'Content-Type: application/sdp',
      ...(authorization ? [`Proxy-Authorization: ${authorization}`] : []),
    ];
    this.#send('INVITE', invite, { extra, body: offer });
  }

  /** Of a 2xx, in a transaction of its own (RFC 3261 section 13.2.2.4). */
  ack(invite: RawInvite, answer: WireMessage): void {
    this.#send('ACK', { ...invite, branch: token() }, { to: answer.header('to') });
  }

  bye(invite: RawInvite, answer: WireMessage): void {
    this.#send('BYE', { ...invite, branch: token(), cseq: invite.cseq + 1 }, { to: answer.header('to') });
  }

  cancel(invite: RawInvite): void {
    this.#send('CANCEL', invite, {});
  }

  options(): RawInvite {
    const request = RawCaller.newInvite('0');
    this.#send('OPTIONS', request, {});
    return request;
  }

  /** Answers a request of the trunk with 200. */
  accept(request: WireMessage): void {
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${request.header(name)}`);
    this.#write(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
  }

  /** The first message of a call that fits, received already or to come. */
  async message(callId: string, fits: (message: WireMessage) => boolean): Promise<WireMessage> {
    for (;;) {
      const found = this.of(callId).find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  response(callId: string, status: number): Promise<WireMessage> {
    return this.message(callId, (message) => message.status === status);
  }

  request(callId: string, method: string): Promise<WireMessage> {
    return this.message(callId, ({ startLine }) => startLine.startsWith(`${method} `));
  }

  of(callId: string): WireMessage[] {
    return this.received.filter((message) => message.header('call-id') === callId);
  }

  /** In the transaction of the INVITE (RFC 3261 section 17.1.1.3). */
  #ackRefusal(refusal: WireMessage): void {
    const uri = /<([^>]+)>/.exec(refusal.header('to'))?.[1] ?? '';
    const copied = ['via', 'from', 'to', 'call-id'].map((name) => `${name}: ${refusal.header(name)}`);
    const cseq = refusal.header('cseq').replace('INVITE', 'ACK');
    this.#write([`ACK ${uri} SIP/2.0`, ...copied, `CSeq: ${cseq}`, 'Content-Length: 0', '', ''].join('\r\n'));
  }

  #send(method: string, invite: RawInvite, more: { to?: string; extra?: string[]; body?: string }): void {
    const uri = `sip:${invite.number}@127.0.0.1:${this.#trunkPort}`;
    const own = `127.0.0.1:${this.#socket.address().port}`;
    const body = more.body ?? '';
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};branch=z9hG4bK${invite.branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:caller@${own}>;tag=raw`,
      `To: ${more.to ?? `<${uri}>`}`,
      `Call-ID: ${invite.callId}`,
      `CSeq: ${invite.cseq} ${method}`,
      `Contact: <sip:caller@${own}>`,
      ...(more.extra ?? []),
      `Content-Length: ${body.length}`,
    ];
    this.#write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  #write(text: string): void {
    this.#sent = new Promise((resolve) => {
      this.#socket.send(text, this.#trunkPort, '127.0.0.1', () => resolve());
    });
  }
}

function parse(text: string): WireMessage {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  const [startLine = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return {
    startLine,
    status: Number(/^SIP\/2\.0 (\d{3})/.exec(startLine)?.[1] ?? 0),
    header: (name) => headers.get(name) ?? '',
    body,
  };
}

function token(): string {
  return randomBytes(8).toString('hex');
}

export const offer = [
  'v=0',
  'o=caller 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 20000 RTP/AVP 8 0 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');
