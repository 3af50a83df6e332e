import {
  connect,
  socketIo,
  webSocket,
  type ConnectOptions,
  type Cursor,
  type Gap,
  type LiveClient,
  type SubscribeOptions,
  type SubscriptionState,
  type Transport,
} from '@dialstream/client-sdk';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { test as base } from 'vitest';
import { WebSocket } from 'ws';
import { FakeServer, type Asked } from './fake-server.js';

export { describe, expect } from 'vitest';

export const transports = ['Socket.IO', 'WebSocket'] as const;

export function transportOf(name: (typeof transports)[number]): Transport {
  return name === 'WebSocket' ? webSocket({ WebSocket }) : socketIo();
}

export const atOnce = { delayMs: () => 0 };
export const epoch = 'e1';

/** All that a subscription tells, in order; `until` waits for a piece of it. */
export class Told {
  readonly list: [string, unknown][] = [];
  #look = (): void => undefined;

  readonly options = {
    onSnapshot: (snapshot: unknown, cursor: Cursor) => this.add('snapshot', { snapshot, cursor }),
    onEvent: ({ seq }: { seq: number }) => this.add('event', seq),
    onGap: (gap: Gap) => this.add('gap', gap),
    onState: ({ status, code }: SubscriptionState) => this.add('state', `${status}: ${code}`),
  };

  of(kind: string): unknown[] {
    return this.list.filter(([name]) => name === kind).map(([, what]) => what);
  }

  async until(kind: string, what: unknown): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.of(kind).some((one) => JSON.stringify(one) === JSON.stringify(what))) resolve();
      };
      this.#look();
    });
    await within(10_000, `${kind} ${JSON.stringify(what)}`, seen);
  }

  add(kind: string, what: unknown): void {
    this.list.push([kind, what]);
    this.#look();
  }
}

/** Clients of a fake server over one transport. */
export class Following {
  readonly #clients: LiveClient[] = [];

  constructor(
    readonly server: FakeServer,
    readonly url: string,
    private readonly transport: (typeof transports)[number],
  ) {}

  client(options: Partial<ConnectOptions> = {}): LiveClient {
    const transport = transportOf(this.transport);
    const client = connect({ url: this.url, token: 'key', reconnect: atOnce, transport, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A client that is subscribed to `campaigns`, and what it is told. */
  follow(options: Partial<ConnectOptions> = {}, more: SubscribeOptions<'campaigns'> = {}) {
    const client = this.client(options);
    return { client, ...join(client, more) };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** One more subscription to `campaigns`. */
export function join(client: LiveClient, more: SubscribeOptions<'campaigns'> = {}) {
  const told = new Told();
  return { told, subscription: client.subscribe('campaigns', { ...told.options, ...more }) };
}

/** `transport`: how the clients of `following` come; the same tests run for each. */
export const test = base
  .extend('transport', 'Socket.IO' as (typeof transports)[number])
  .extend('server', () => new FakeServer())
  .extend('following', async ({ server, transport }, { onCleanup }) => {
    const following = new Following(server, await server.start(), transport);
    onCleanup(async () => {
      following.close();
      await server.stop();
    });
    return following;
  });

export function withSnapshot({ answer, body }: Asked, seq: number, of = epoch): void {
  const cursor = { epoch: of, seq };
  answer({ ok: true, topic: body.topic, recovered: false, cursor, snapshot: { campaigns: [] } });
}

export function recovered({ answer, body }: Asked): void {
  answer({ ok: true, topic: body.topic, recovered: true, cursor: body.cursor });
}

export function send({ socket, body }: Asked, ...seqs: number[]): void {
  for (const seq of seqs) {
    socket.emit('event', { topic: body.topic, epoch, seq, type: 'campaign.updated', data: {} });
  }
}
