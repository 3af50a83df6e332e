import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { Server, type Socket } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';

/** One client, whatever its transport. */
export interface FakeConnection {
  emit(name: string, message: unknown): void;
  /** Ends it, without a word. */
  cut(): void;
}

/** What a client asked, and how to answer it. */
export interface Asked {
  socket: FakeConnection;
  body: { topic: string; mode?: string; cursor?: { epoch: string; seq: number } };
  answer: (ack: object) => void;
}

const patienceMs = 10_000;
const statuses: Record<string, number> = {
  unauthorized: 401,
  upgrade_required: 426,
  rate_limited: 429,
  unavailable: 503,
};

/** A server that does nothing by itself: the test takes each request in turn and says what comes back. */
export class FakeServer {
  readonly #http = createServer((request, response) => this.#why(request, response));
  readonly #io = new Server(this.#http);
  readonly #ws = new WebSocketServer({ noServer: true });
  readonly #asked: Asked[] = [];
  readonly #waiting: ((asked: Asked) => void)[] = [];
  /** Why WebSockets of a token were refused; a plain request to the address learns it. */
  readonly #refused = new Map<unknown, string>();
  /** Tokens of all who tried to connect. */
  readonly tokens: unknown[] = [];
  readonly unsubscribed: string[] = [];
  /** Connections that are open, or were. */
  readonly connections: FakeConnection[] = [];
  /** Open WebSockets, for what only they can do. */
  readonly webSockets: WebSocket[] = [];
  /** Said to the next who connect, instead of letting them in. */
  refusals: string[] = [];

  async start(): Promise<string> {
    this.#io.use((socket, next) => {
      const refusal = this.#admit(socket.handshake.auth['token']);
      next(refusal === undefined ? undefined : new Error(refusal));
    });
    this.#io.on('connection', (socket) => this.#serveSocketIo(socket));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The next `subscribe` of any client. */
  async asked(): Promise<Asked> {
    const first = this.#asked.shift();
    if (first) return first;
    return within(patienceMs, 'subscribe', new Promise<Asked>((resolve) => this.#waiting.push(resolve)));
  }

  /** Requests that nobody took yet. */
  get left(): number {
    return this.#asked.length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#ws.clients) socket.terminate();
    await this.#io.close();
  }

  #admit(token: unknown): string | undefined {
    this.tokens.push(token);
    return this.refusals.shift();
  }

  #take(asked: Asked): void {
    const taker = this.#waiting.shift();
    if (taker) taker(asked);
    else this.#asked.push(asked);
  }

  #serveSocketIo(socket: Socket): void {
    const connection: FakeConnection = {
      emit: (name, message) => void socket.emit(name, message),
      cut: () => socket.conn.close(),
    };
    this.connections.push(connection);
    socket.on('subscribe', (body: Asked['body'], answer: Asked['answer']) => {
      this.#take({ socket: connection, body, answer });
    });
    socket.on('unsubscribe', ({ topic }: { topic: string }) => this.unsubscribed.push(topic));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    if (pathname !== '/v1/stream') return;
    const token = searchParams.get('token');
    const refusal = this.#admit(token);
    if (refusal !== undefined) {
      this.#refused.set(token, refusal);
      socket.end(`HTTP/1.1 ${statuses[refusal] ?? 500} No\r\nConnection: close\r\n\r\n`);
      return;
    }
    this.#ws.handleUpgrade(request, socket, head, (client) => this.#serveWebSocket(client));
  }

  #serveWebSocket(client: WebSocket): void {
    const send = (op: string, message: unknown): void => {
      client.send(JSON.stringify({ op, ...(message as object) }));
    };
    const connection: FakeConnection = { emit: send, cut: () => client.terminate() };
    this.connections.push(connection);
    this.webSockets.push(client);
    client.on('message', (data: Buffer) => {
      const { op, id, ...body } = JSON.parse(data.toString()) as { op: string; id: number } & Asked['body'];
      if (op === 'unsubscribe') this.unsubscribed.push(body.topic);
      else this.#take({ socket: connection, body, answer: (ack) => send('ack', { id, ...ack }) });
    });
  }

  /** A plain request, as it is made to learn why no WebSocket was opened. */
  #why({ url }: IncomingMessage, response: ServerResponse): void {
    const token = new URL(url ?? '', 'http://fake').searchParams.get('token');
    const refusal = this.#refused.get(token);
    response.writeHead(refusal === undefined ? 426 : (statuses[refusal] ?? 500)).end('{}');
  }
}
