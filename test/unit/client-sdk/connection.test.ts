import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, webSocket, type ConnectionState, type WebSocketLike } from '@dialstream/client-sdk';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, send, test, transports, withSnapshot } from './following.js';

/** As browsers have it: nothing is said of why it did not open. */
class SilentWebSocket implements WebSocketLike {
  readonly #own: WebSocket;

  constructor(url: string) {
    this.#own = new WebSocket(url);
  }

  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: unknown) => void): void {
    this.#own.addEventListener(type, (event) => listener(type === 'error' ? {} : event));
  }

  send(text: string): void {
    this.#own.send(text);
  }

  close(): void {
    this.#own.close();
  }
}

describe.for(transports)('a connection over %s', (transport) => {
  test.override('transport', transport);

  test('asks for the token before every try, and outlives refusals', async ({ server, following }) => {
    server.refusals = ['unauthorized', 'unavailable', 'rate_limited'];
    let asked = 0;
    const states: string[] = [];
    const { told } = following.follow({
      token: async () => `token ${(asked += 1)}`,
      onState: ({ status, code }: ConnectionState) => states.push(`${status}: ${code}`),
    });
    withSnapshot(await server.asked(), 0);
    await told.until('state', 'live: snapshot');
    expect(server.tokens).toEqual(['token 1', 'token 2', 'token 3', 'token 4']);
    expect(states).toEqual([
      'reconnecting: unauthorized',
      'reconnecting: unavailable',
      'reconnecting: rate_limited',
      'connected: connected',
    ]);
  });

  test('is closed for good when a fixed token is refused', async ({ server, following }) => {
    server.refusals = ['unauthorized'];
    const { client, told } = following.follow();
    await told.until('state', 'closed: unauthorized');
    expect(client.state).toMatchObject({ status: 'closed', code: 'unauthorized' });
    expect(server.tokens).toHaveLength(1);
  });

  test('tries again when no token could be got', async ({ server, following }) => {
    let asked = 0;
    following.follow({
      token: () => {
        asked += 1;
        if (asked === 1) throw new Error('the session is over');
        return 'key';
      },
    });
    await server.asked();
    expect(server.tokens).toEqual(['key']);
  });

  test('waits as its policy says, and gives up when that does', async ({ following }) => {
    const failures: number[] = [];
    const { client, told } = following.follow({
      url: 'http://127.0.0.1:1',
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

  test('counts failures anew once something came', async ({ server, following }) => {
    const failures: number[] = [];
    following.follow({
      reconnect: {
        delayMs(count) {
          failures.push(count);
          return 0;
        },
      },
    });
    const first = await server.asked();
    withSnapshot(first, 0);
    first.socket.emit('heartbeat', { heads: { campaigns: { epoch: 'e1', seq: 0 } } });
    // The client has answered this once it asks from the connection after the next.
    first.socket.cut();
    const second = await server.asked();
    withSnapshot(second, 0);
    second.socket.emit('resync', { topic: 'campaigns', code: 'trimmed' });
    (await server.asked()).socket.cut();
    await server.asked();
    expect(failures).toEqual([1, 1, 1]);
  });

  test('is given up when nothing comes for too long, and made anew', async ({ server, following }) => {
    const states: string[] = [];
    const { told } = following.follow({
      silenceMs: 300,
      onState: ({ status, code }: ConnectionState) => states.push(`${status}: ${code}`),
    });
    const first = await server.asked();
    withSnapshot(first, 0);
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch: 'e1', seq: 0 });
    expect(states).toEqual(['connected: connected', 'reconnecting: silent', 'connected: connected']);
    expect(told.of('gap')).toEqual([]);
  });

  test('is kept as long as anything comes', async ({ server, following }) => {
    const states: string[] = [];
    const { told } = following.follow({
      silenceMs: 1_000,
      onState: ({ status, code }: ConnectionState) => states.push(`${status}: ${code}`),
    });
    const asked = await server.asked();
    withSnapshot(asked, 0);
    let seq = 0;
    const sending = setInterval(() => {
      seq += 1;
      if (seq % 2 === 0)
        asked.socket.emit('heartbeat', { heads: { campaigns: { epoch: 'e1', seq: seq / 2 } } });
      else send(asked, (seq + 1) / 2);
    }, 50);
    await told.until('event', 30);
    clearInterval(sending);
    expect(states).toEqual(['connected: connected']);
  });

  test('tells nothing more once it is closed', async ({ server, following }) => {
    const states: string[] = [];
    const { client } = following.follow();
    await server.asked();
    client.onState(({ status }) => states.push(status));
    client.close();
    client.close();
    expect(states).toEqual(['closed']);
    expect(client.state).toEqual({ status: 'closed', code: 'closed', reason: 'closed by the client' });
  });

  test('that is closed while it is made leaves nothing open', async ({ server, following }) => {
    const client = following.client();
    client.close();
    const other = following.follow();
    withSnapshot(await server.asked(), 0);
    await other.told.until('state', 'live: snapshot');
    expect(server.connections).toHaveLength(1);
  });

  test('calls everybody back when one of them throws', async ({ server, following }) => {
    const thrown: unknown[] = [];
    const uncaught = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      const client = following.client();
      client.subscribe('campaigns', {
        onEvent() {
          throw new Error('the wallboard is broken');
        },
      });
      const events: number[] = [];
      client.subscribe('campaigns', { onEvent: ({ seq }) => events.push(seq) });
      const asked = await server.asked();
      withSnapshot(asked, 0);
      send(asked, 1, 2);
      await until(() => events.length === 2 && thrown.length === 2, {
        withinMs: 10_000,
        what: 'both events',
      });
      expect(thrown).toMatchObject([{ message: 'the wallboard is broken' }, {}]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of uncaught) process.on('uncaughtException', listener);
    }
  });
});

describe('over Socket.IO', () => {
  test('a server that ends right after the upgrade is tried again at once', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (webSocket) => webSocket.terminate());
    const { port } = server.address() as AddressInfo;
    const client = connect({
      url: `http://127.0.0.1:${port}`,
      token: 'key',
      reconnect: { delayMs: () => null },
    });
    // Shorter than the deadline of a try.
    await until(() => client.state.status === 'closed', { withinMs: 5_000, what: 'closed' });
    expect(client.state.code).toBe('given_up');
    server.close();
  });
});

describe('over WebSocket', () => {
  test.override('transport', 'WebSocket');

  test.for([
    [4401, 'unauthorized'],
    [4429, 'rate_limited'],
    [1012, 'lost'],
  ] as const)('a closing with %i is told as %s', async ([closing, code], { server, following }) => {
    const states: ConnectionState[] = [];
    following.follow({ token: () => 'key', onState: (state) => states.push(state) });
    await server.asked();
    server.webSockets[0]?.close(closing, 'because');
    await server.asked();
    expect(states[1]).toEqual({ status: 'reconnecting', code, reason: `closed with ${closing}: because` });
  });

  test('a fixed token that holds no more closes the client', async ({ server, following }) => {
    const { told } = following.follow();
    await server.asked();
    server.webSockets[0]?.close(4401);
    await told.until('state', 'closed: unauthorized');
  });

  test.for([
    ['unauthorized', 'reconnecting: unauthorized'],
    ['rate_limited', 'reconnecting: rate_limited'],
    ['unavailable', 'reconnecting: unavailable'],
    ['something_new', 'reconnecting: unavailable'],
    ['upgrade_required', 'reconnecting: unreachable'],
  ])('a browser learns of %s by asking the address', async ([refusal, state], { server, following }) => {
    server.refusals = [refusal ?? ''];
    const states: string[] = [];
    following.follow({
      token: () => 'key',
      transport: webSocket({ WebSocket: SilentWebSocket }),
      onState: ({ status, code }) => states.push(`${status}: ${code}`),
    });
    await server.asked();
    expect(states).toEqual([state, 'connected: connected']);
  });

  test('frames that cannot be read are passed over', async ({ server, following }) => {
    const { told } = following.follow();
    const asked = await server.asked();
    withSnapshot(asked, 0);
    const socket = server.webSockets[0];
    for (const frame of [
      '',
      '{',
      'null',
      '[]',
      '7',
      '{"op":"event"}',
      '{"op":"ack","id":99}',
      '{"op":"error"}',
    ]) {
      socket?.send(frame);
    }
    socket?.send(Buffer.from('{"op":"resync","topic":"campaigns","code":"trimmed"}'), { binary: true });
    send(asked, 1);
    await told.until('event', 1);
    expect(told.of('gap')).toEqual([]);
  });

  test('a class of WebSocket is needed where the platform has none', () => {
    const { WebSocket: own } = globalThis as { WebSocket?: unknown };
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      expect(() => webSocket()).toThrow(TypeError);
    } finally {
      if (own !== undefined) Object.assign(globalThis, { WebSocket: own });
    }
  });
});

describe('an address', () => {
  test('that is none is refused at once', () => {
    expect(() => connect({ url: 'dial.example.com', token: 'key' })).toThrow(TypeError);
  });

  test('may have a path before that of the stream', async () => {
    const seen: string[] = [];
    class Seen {
      constructor(url: string) {
        seen.push(url);
      }
      addEventListener(): void {}
      send(): void {}
      close(): void {}
    }
    const transport = webSocket({ WebSocket: Seen });
    const client = connect({ url: 'https://example.com/dial/?x=1#y', token: 'a&b', transport });
    await within(
      5_000,
      'the address',
      until(() => seen.length > 0, { withinMs: 5_000, what: 'address' }),
    );
    client.close();
    expect(seen).toEqual(['wss://example.com/dial/v1/stream?token=a%26b']);
  });

  test('whose WebSocket cannot be made counts as unreachable', async () => {
    class Refused {
      constructor() {
        throw new Error('not from a secure page');
      }
      addEventListener(): void {}
      send(): void {}
      close(): void {}
    }
    const client = connect({
      url: 'http://example.com',
      token: 'key',
      transport: webSocket({ WebSocket: Refused }),
      reconnect: { delayMs: () => null },
    });
    await until(() => client.state.status === 'closed', { withinMs: 5_000, what: 'closed' });
    expect(client.state).toMatchObject({ code: 'given_up', reason: 'not from a secure page' });
  });
});
