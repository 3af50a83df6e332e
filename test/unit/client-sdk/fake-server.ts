import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { Server, type Socket } from 'socket.io';

/** What a client asked, and how to answer it. */
export interface Asked {
  socket: Socket;
  body: { topic: string; cursor?: { epoch: string; seq: number } };
  answer: (ack: object) => void;
}

const patienceMs = 10_000;

/** A server that does nothing by itself: the test takes each request in turn and says what comes back. */
export class FakeServer {
  readonly #http = createServer();
  readonly #io = new Server(this.#http);
  readonly #asked: Asked[] = [];
  readonly #waiting: ((asked: Asked) => void)[] = [];
  /** Tokens of all who tried to connect. */
  readonly tokens: unknown[] = [];
  readonly unsubscribed: string[] = [];
  /** Said to the next who connect, instead of letting them in. */
  refusals: string[] = [];

  async start(): Promise<string> {
    this.#io.use((socket, next) => {
      this.tokens.push(socket.handshake.auth['token']);
      const refusal = this.refusals.shift();
      next(refusal === undefined ? undefined : new Error(refusal));
    });
    this.#io.on('connection', (socket) => {
      socket.on('subscribe', (body: Asked['body'], answer: Asked['answer']) => {
        const asked = { socket, body, answer };
        const taker = this.#waiting.shift();
        if (taker) taker(asked);
        else this.#asked.push(asked);
      });
      socket.on('unsubscribe', ({ topic }: { topic: string }) => this.unsubscribed.push(topic));
    });
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
    await this.#io.close();
  }
}
