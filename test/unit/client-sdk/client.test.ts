import {
  connect,
  LiveError,
  type ConnectionState,
  type ConnectOptions,
  type Cursor,
  type Gap,
  type LiveClient,
  type SubscriptionState,
} from '@dialstream/client-sdk';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { describe, expect, test as base } from 'vitest';
import { FakeServer, type Asked } from './fake-server.js';

interface Fixtures {
  server: FakeServer;
  url: string;
  clients: LiveClient[];
}

const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- vitest wants a pattern here
  server: async ({}, use) => {
    const server = new FakeServer();
    await use(server);
    await server.stop();
  },
  url: async ({ server }, use) => {
    await use(await server.start());
  },
  clients: async ({ server }, use) => {
    void server;
    const clients: LiveClient[] = [];
    await use(clients);
    for (const client of clients) client.close();
  },
});

const atOnce = { delayMs: () => 0 };
const epoch = 'e1';

/** All that a subscription tells, in order; `next` gives it piece by piece. */
class Told {
  readonly #list: [string, unknown][] = [];
  #look = (): void => undefined;

  readonly options = {
    onSnapshot: (snapshot: unknown, cursor: Cursor) => this.#add('snapshot', { snapshot, cursor }),
    onEvent: ({ seq }: { seq: number }) => this.#add('event', seq),
    onGap: (gap: Gap) => this.#add('gap', gap),
    onState: ({ status, code }: SubscriptionState) => this.#add('state', `${status}: ${code}`),
  };

  of(kind: string): unknown[] {
    return this.#list.filter(([name]) => name === kind).map(([, what]) => what);
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

  #add(kind: string, what: unknown): void {
    this.#list.push([kind, what]);
    this.#look();
  }
}

function follow(
  url: string,
  clients: LiveClient[],
  more: Partial<ConnectOptions> & { cursor?: Cursor } = {},
) {
  const { cursor, ...options } = more;
  const client = connect({ url, token: 'key', reconnect: atOnce, ...options });
  clients.push(client);
  const told = new Told();
  const subscription = client.subscribe('campaigns', { ...told.options, ...(cursor && { cursor }) });
  return { client, told, subscription };
}

function withSnapshot({ answer }: Asked, seq: number, of = epoch): void {
  const cursor = { epoch: of, seq };
  answer({ ok: true, topic: 'campaigns', recovered: false, cursor, snapshot: { campaigns: [] } });
}

function recovered({ answer, body }: Asked): void {
  answer({ ok: true, topic: 'campaigns', recovered: true, cursor: body.cursor });
}

function send({ socket }: Asked, ...seqs: number[]): void {
  for (const seq of seqs) {
    socket.emit('event', { topic: 'campaigns', epoch, seq, type: 'campaign.updated', data: {} });
  }
}

describe('a subscription', () => {
  test('gets a snapshot, then each event once and in order', async ({ server, url, clients }) => {
    const { told, subscription } = follow(url, clients);
    const asked = await server.asked();
    expect(asked.body).toEqual({ topic: 'campaigns' });
    withSnapshot(asked, 5);
    send(asked, 6, 6, 7, 5, 8);
    await told.until('event', 8);
    expect(told.of('event')).toEqual([6, 7, 8]);
    expect(told.of('snapshot')).toEqual([{ snapshot: { campaigns: [] }, cursor: { epoch, seq: 5 } }]);
    expect(told.of('gap')).toEqual([]);
    expect(subscription.cursor).toEqual({ epoch, seq: 8 });
    expect(subscription.state.status).toBe('live');
  });

  test('goes on from a cursor that was kept', async ({ server, url, clients }) => {
    const { told } = follow(url, clients, { cursor: { epoch, seq: 3 } });
    const asked = await server.asked();
    expect(asked.body.cursor).toEqual({ epoch, seq: 3 });
    recovered(asked);
    send(asked, 4);
    await told.until('event', 4);
    expect(told.of('snapshot')).toEqual([]);
  });

  test('asks again from its cursor when an event is missing, and applies none of what follows', async ({
    server,
    url,
    clients,
  }) => {
    const { told } = follow(url, clients);
    const first = await server.asked();
    withSnapshot(first, 0);
    send(first, 1, 3, 4);
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 1 });
    send(second, 5);
    recovered(second);
    send(second, 2, 3, 4, 5);
    await told.until('event', 5);
    expect(told.of('event')).toEqual([1, 2, 3, 4, 5]);
    expect(told.of('gap')).toEqual([
      { cause: 'missing_seq', code: null, after: { epoch, seq: 1 }, seen: { epoch, seq: 3 } },
    ]);
  });

  test.for([
    ['the server has sent more', { campaigns: { epoch, seq: 2 } }],
    ['the epoch is another', { campaigns: { epoch: 'e2', seq: 1 } }],
    ['the server knows no such subscription', {}],
  ] as const)('asks again when a heartbeat tells that %s', async ([, heads], { server, url, clients }) => {
    const { told } = follow(url, clients);
    const first = await server.asked();
    withSnapshot(first, 0);
    send(first, 1);
    first.socket.emit('heartbeat', { heads: { campaigns: { epoch, seq: 1 } } });
    first.socket.emit('heartbeat', { heads });
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 1 });
    expect(told.of('gap')).toMatchObject([{ cause: 'heartbeat', after: { epoch, seq: 1 } }]);
    expect(server.left).toBe(0);
  });

  test('asks again when the server ends it, and tells why', async ({ server, url, clients }) => {
    const { told } = follow(url, clients);
    const first = await server.asked();
    withSnapshot(first, 4);
    first.socket.emit('resync', { topic: 'campaigns', code: 'epoch_changed' });
    const second = await server.asked();
    withSnapshot(second, 0, 'e2');
    await told.until('snapshot', { snapshot: { campaigns: [] }, cursor: { epoch: 'e2', seq: 0 } });
    expect(told.of('gap')).toEqual([
      { cause: 'resync', code: 'epoch_changed', after: { epoch, seq: 4 }, seen: null },
      { cause: 'not_recovered', code: null, after: { epoch, seq: 4 }, seen: { epoch: 'e2', seq: 0 } },
    ]);
  });

  test('goes on from its cursor after a lost connection', async ({ server, url, clients }) => {
    const { told, subscription } = follow(url, clients);
    const first = await server.asked();
    withSnapshot(first, 0);
    send(first, 1, 2);
    await told.until('event', 2);
    first.socket.cut();
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 2 });
    recovered(second);
    send(second, 3);
    await told.until('event', 3);
    expect(told.of('gap')).toEqual([]);
    expect(told.of('state')).toContain('waiting: lost');
    expect(subscription.state).toMatchObject({ status: 'live', code: 'recovered' });
  });

  test('heeds no answer that a lost connection had left', async ({ server, url, clients }) => {
    const { told } = follow(url, clients);
    const first = await server.asked();
    first.socket.cut();
    const second = await server.asked();
    withSnapshot(first, 100);
    withSnapshot(second, 7);
    send(second, 8);
    await told.until('event', 8);
    expect(told.of('snapshot')).toHaveLength(1);
  });

  test.for(['unavailable', 'too_slow', 'superseded', 'too_many', 'something_new'])(
    'tries again when it is refused with %s',
    async (code, { server, url, clients }) => {
      const { told } = follow(url, clients);
      (await server.asked()).answer({ ok: false, code });
      withSnapshot(await server.asked(), 1);
      await told.until('state', 'live: snapshot');
      expect(told.of('state')).toContain(`subscribing: ${code}`);
    },
  );

  test.for(['not_found', 'forbidden', 'bad_request'])(
    'is over when it is refused with %s',
    async (code, { server, url, clients }) => {
      const { client, told, subscription } = follow(url, clients);
      (await server.asked()).answer({ ok: false, code });
      await told.until('state', `refused: ${code}`);
      expect(subscription.state.status).toBe('refused');
      // The topic is free again.
      client.subscribe('campaigns');
      await server.asked();
    },
  );

  test('takes no garbage for events', async ({ server, url, clients }) => {
    const { told } = follow(url, clients);
    const asked = await server.asked();
    withSnapshot(asked, 0);
    for (const garbage of [undefined, null, 7, 'x', {}, { topic: 7 }, { topic: 'other', heads: null }]) {
      asked.socket.emit('event', garbage);
      asked.socket.emit('heartbeat', garbage);
      asked.socket.emit('resync', garbage);
    }
    asked.socket.emit('event', { topic: 'campaigns', epoch, seq: '1', type: 'campaign.updated' });
    send(asked, 1);
    await told.until('event', 1);
    expect(told.of('gap')).toEqual([]);
  });

  test('is silent once closed, also from within a callback', async ({ server, url, clients }) => {
    const { client, told, subscription } = follow(url, clients);
    client.onState(() => undefined);
    const asked = await server.asked();
    withSnapshot(asked, 0);
    send(asked, 1);
    await told.until('event', 1);
    subscription.close();
    subscription.close();
    send(asked, 2, 3);
    const again = new Told();
    client.subscribe('campaigns', again.options);
    withSnapshot(await server.asked(), 3);
    await again.until('state', 'live: snapshot');
    expect(told.of('event')).toEqual([1]);
    expect(told.of('state').at(-1)).toBe('closed: closed');
    expect(server.unsubscribed).toEqual(['campaigns']);
  });

  test('cannot begin once the client is closed', ({ url, clients }) => {
    const { client } = follow(url, clients);
    client.close();
    expect(() => client.subscribe('campaigns')).toThrow(LiveError);
    expect(() => client.subscribe('system')).toThrow('closed');
  });
});

describe('a connection', () => {
  test('asks for the token before every try, and outlives refusals', async ({ server, url, clients }) => {
    server.refusals = ['unauthorized', 'unavailable'];
    let asked = 0;
    const states: string[] = [];
    const { told } = follow(url, clients, {
      token: async () => `token ${(asked += 1)}`,
      onState: ({ status, code }: ConnectionState) => states.push(`${status}: ${code}`),
    });
    withSnapshot(await server.asked(), 0);
    await told.until('state', 'live: snapshot');
    expect(server.tokens).toEqual(['token 1', 'token 2', 'token 3']);
    expect(states).toEqual([
      'reconnecting: unauthorized',
      'reconnecting: unavailable',
      'connected: connected',
    ]);
  });

  test('is closed for good when a fixed token is refused', async ({ server, url, clients }) => {
    server.refusals = ['unauthorized'];
    const { client, told } = follow(url, clients);
    await told.until('state', 'closed: unauthorized');
    expect(client.state).toMatchObject({ status: 'closed', code: 'unauthorized' });
    expect(server.tokens).toHaveLength(1);
  });

  test('tries again when no token could be got', async ({ server, url, clients }) => {
    let asked = 0;
    follow(url, clients, {
      token: () => {
        asked += 1;
        if (asked === 1) throw new Error('the session is over');
        return 'key';
      },
    });
    await server.asked();
    expect(server.tokens).toEqual(['key']);
  });

  test('waits as its policy says, and gives up when that does', async ({ clients }) => {
    const failures: number[] = [];
    const { client, told } = follow('http://127.0.0.1:1', clients, {
      reconnect: {
        delayMs(count) {
          failures.push(count);
          return count === 3 ? null : 0;
        },
      },
    });
    await told.until('state', 'closed: given_up');
    expect(failures).toEqual([1, 2, 3]);
    expect(client.state.code).toBe('given_up');
  });
});
