import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { cseqOf, read, reply, sdp, tagOf, unique, write, type Extra, type Message } from './messages.js';

/** A SIP far end that does what the test says, and nothing else. */
export interface FarEnd {
  transport: 'udp' | 'tcp';
  port: number;
  /** Every message that came, in order. */
  seen: readonly Message[];
  /** The first request that came and was not taken yet, or that comes within 5 s; repetitions are passed over. */
  request(method: string): Promise<Message>;
  response(status: number, method?: string): Promise<Message>;
  /** A message that was taken comes again, to the letter. */
  repeated(message: Message): Promise<Message>;
  /** After this the agent has worked on all that was sent before. */
  barrier(): Promise<void>;
  /** Acknowledges an answer to `out('INVITE')`. */
  ack(answer: Message): void;
  /** Sends bytes as they are. */
  send(text: string | Buffer): void;
  reply(request: Message, status: number, extra?: Extra & { tag?: string }): void;
  /** Answers with 200, a Contact of this end and a session description. */
  answer(invite: Message, extra?: Extra & { tag?: string }): void;
  /** A request within the dialog that the agent's INVITE and this end's answer with `tag` have made. */
  within(invite: Message, method: string, extra?: InDialog): string;
  /** A request outside of a dialog, to the agent. */
  out(method: string, extra?: Outside): string;
  contact: string;
  close(): Promise<void>;
}

export interface InDialog extends Extra {
  tag?: string;
  cseq?: number;
}

export interface Outside extends Extra {
  callId?: string;
  branch?: string;
  fromTag?: string;
  to?: string;
  cseq?: number;
  via?: string;
}

const deadlineMs = 5_000;

interface Wire {
  port: number;
  send(bytes: string | Buffer): void;
  close(): Promise<void>;
}

function farEnd(
  transport: 'udp' | 'tcp',
  agentPort: number,
  wire: Wire,
  onMessage: (take: (text: string) => void) => void,
): FarEnd {
  const seen: Message[] = [];
  let untaken: Message[] = [];
  const taken = new Set<string>();
  let waiting: (() => void)[] = [];
  onMessage((text) => {
    const message = read(text);
    seen.push(message);
    untaken.push(message);
    for (const wake of waiting.splice(0)) wake();
  });

  async function take(what: string, matches: (message: Message) => boolean): Promise<Message> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      const found = untaken.find(matches);
      if (found) {
        untaken = untaken.filter((message) => message !== found);
        taken.add(found.text);
        return found;
      }
      const leftMs = until - performance.now();
      if (leftMs <= 0) {
        const came = seen.map((message) => message.text.split('\r\n')[0]).join('\n');
        throw new Error(`${what} did not come; these did:\n${came}`);
      }
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        timer = setTimeout(resolve, leftMs);
      });
      clearTimeout(timer);
      waiting = waiting.filter(() => false);
    }
  }

  const fresh = (what: string, matches: (message: Message) => boolean): Promise<Message> =>
    take(what, (message) => !taken.has(message.text) && matches(message));
  const { port } = wire;
  const contact = `<sip:far@127.0.0.1:${port};transport=${transport}>`;
  const via = (branch: string): string =>
    `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${port};branch=${branch};rport`;
  const end: FarEnd = {
    transport,
    port,
    seen,
    contact,
    repeated: (message) => take('the same again', ({ text }) => text === message.text),
    async barrier() {
      const options = end.out('OPTIONS');
      const callId = read(options).get('call-id');
      end.send(options);
      await fresh('an answer to OPTIONS', (message) => message.get('call-id') === callId);
    },
    ack(answer) {
      end.send(
        end.out('ACK', {
          callId: answer.get('call-id'),
          to: answer.get('to'),
          fromTag: tagOf(answer.get('from')),
          cseq: cseqOf(answer),
        }),
      );
    },
    request: (method) => fresh(`a ${method}`, (message) => message.method === method),
    response: (status, method) =>
      fresh(
        `a ${status} to ${method ?? 'anything'}`,
        (message) =>
          message.status === status && (method === undefined || message.get('cseq').endsWith(` ${method}`)),
      ),
    send: (text) => wire.send(text),
    reply: (request, status, extra) => wire.send(reply(request, status, extra)),
    answer(invite, { headers = [], ...extra } = {}) {
      wire.send(reply(invite, 200, { body: sdp, ...extra, headers: [`Contact: ${contact}`, ...headers] }));
    },
    within(invite, method, { tag = 'far', cseq = 1, headers = [], body = '' } = {}) {
      const to = invite.get('to');
      return write(
        `${method} ${/<([^>]+)>/.exec(invite.get('contact'))?.[1]} SIP/2.0`,
        [
          via(`z9hG4bK${unique('far')}`),
          `From: ${tagOf(to) === '' ? `${to};tag=${tag}` : to}`,
          `To: ${invite.get('from')}`,
          `Call-ID: ${invite.get('call-id')}`,
          `CSeq: ${cseq} ${method}`,
          'Max-Forwards: 70',
          ...headers,
        ],
        body,
      );
    },
    out(method, extra = {}) {
      const {
        callId = unique('call'),
        branch = `z9hG4bK${unique('far')}`,
        fromTag = 'caller',
        cseq = 1,
      } = extra;
      const { to = `<sip:app@127.0.0.1:${agentPort}>`, headers = [], body = '' } = extra;
      return write(
        `${method} sip:app@127.0.0.1:${agentPort} SIP/2.0`,
        [
          extra.via ?? via(branch),
          `From: <sip:far@127.0.0.1:${port}>;tag=${fromTag}`,
          `To: ${to}`,
          `Call-ID: ${callId}`,
          `CSeq: ${cseq} ${method}`,
          'Max-Forwards: 70',
          `Contact: ${contact}`,
          ...headers,
        ],
        body,
      );
    },
    close: () => wire.close(),
  };
  return end;
}

/** A UDP socket that sends to the agent's port. */
export async function udpFarEnd(agentPort: number, port = 0): Promise<FarEnd> {
  const socket = dgram.createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const wire: Wire = {
    port: socket.address().port,
    send: (bytes) => socket.send(bytes, agentPort, '127.0.0.1'),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
  return farEnd('udp', agentPort, wire, (take) => socket.on('message', (bytes) => take(bytes.toString())));
}

/** A connection to the agent's TCP port; it takes what comes as whole messages per `Content-Length: 0` or body. */
export async function tcpFarEnd(agentPort: number): Promise<FarEnd & { socket: net.Socket }> {
  const socket = net.connect(agentPort, '127.0.0.1');
  await once(socket, 'connect');
  return { ...onStream(agentPort, socket, (socket.address() as net.AddressInfo).port), socket };
}

/** A TCP listener; its far end speaks on the connection that the agent makes. */
export async function tcpListener(agentPort: number): Promise<FarEnd & { drop(): void }> {
  let socket: net.Socket | undefined;
  let give: (text: string) => void = () => {};
  const server = net.createServer((made) => {
    socket = made;
    cut(made, (text) => give(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire: Wire = {
    port: (server.address() as net.AddressInfo).port,
    send: (bytes) => void socket?.write(bytes),
    close: async () => {
      socket?.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  const end = farEnd('tcp', agentPort, wire, (take) => {
    give = take;
  });
  return { ...end, drop: () => void socket?.destroy() };
}

function onStream(agentPort: number, socket: net.Socket, port: number): FarEnd {
  const wire: Wire = {
    port,
    send: (bytes) => void socket.write(bytes),
    close: async () => void socket.destroy(),
  };
  return farEnd('tcp', agentPort, wire, (take) => cut(socket, take));
}

/** The agent writes Content-Length always, and no `\r\n\r\n` in its bodies. */
function cut(socket: net.Socket, take: (text: string) => void): void {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    text += bytes.toString();
    for (;;) {
      text = text.replace(/^(\r\n)+/, '');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const total = end + 4 + Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < total) return;
      take(text.slice(0, total));
      text = text.slice(total);
    }
  });
}
