import { LiveError, type LiveClient, type StreamItem } from '@dialstream/client-sdk';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import type { Asked } from './fake-server.js';
import { describe, epoch, expect, recovered, send, test, transports, withSnapshot } from './following.js';

/** An item in short: `snapshot 5`, `event 6`, `gap not_recovered`. */
function short(item: StreamItem): string {
  if (item.kind === 'gap') return `gap ${item.gap.cause}`;
  return item.kind === 'event' ? `event ${item.event.seq}` : `snapshot ${item.cursor.seq}`;
}

function iterator(client: LiveClient, options: Parameters<LiveClient['events']>[1] = {}) {
  const items = client.events('campaigns', options)[Symbol.asyncIterator]();
  const next = async (): Promise<string | null> => {
    const { done, value } = await within(10_000, 'the next item', items.next());
    return done === true ? null : short(value);
  };
  return { items, next };
}

/** Waits until the server has been told that nobody wants the topic any more. */
async function unsubscribed(server: { unsubscribed: string[] }, times: number): Promise<void> {
  await until(() => server.unsubscribed.length === times, {
    withinMs: 10_000,
    what: `unsubscribed ${times}`,
  });
}

describe.for(transports)('an iteration over %s', (transport) => {
  test.override('transport', transport);

  test('gives the snapshot, then each event', async ({ server, following }) => {
    const { next } = iterator(following.client());
    const first = next();
    const asked = await server.asked();
    withSnapshot(asked, 5);
    send(asked, 6, 7);
    expect([await first, await next(), await next()]).toEqual(['snapshot 5', 'event 6', 'event 7']);
    const waiting = next();
    send(asked, 8);
    expect(await waiting).toBe('event 8');
  });

  test('goes on from a cursor, and tells gaps in their place', async ({ server, following }) => {
    const { next } = iterator(following.client(), { cursor: { epoch, seq: 2 } });
    const first = next();
    const asked = await server.asked();
    expect(asked.body.cursor).toEqual({ epoch, seq: 2 });
    recovered(asked);
    send(asked, 3);
    expect(await first).toBe('event 3');
    asked.socket.emit('resync', { topic: 'campaigns', code: 'trimmed' });
    withSnapshot(await server.asked(), 9);
    expect([await next(), await next(), await next()]).toEqual([
      'gap resync',
      'gap not_recovered',
      'snapshot 9',
    ]);
  });

  test('ends its subscription when it is left', async ({ server, following }) => {
    const client = following.client();
    const asking = server.asked().then((asked) => {
      withSnapshot(asked, 0);
      send(asked, 1, 2, 3);
    });
    const seen: string[] = [];
    for await (const item of client.events('campaigns')) {
      seen.push(short(item));
      if (seen.length === 2) break;
    }
    await asking;
    await unsubscribed(server, 1);
    expect(seen).toEqual(['snapshot 0', 'event 1']);
  });

  test('may be had again, each time with a subscription of its own', async ({ server, following }) => {
    const events = following.client().events('campaigns');
    for (const seq of [1, 2]) {
      const asking = server.asked().then((asked) => withSnapshot(asked, seq));
      for await (const item of events) {
        expect(short(item)).toBe(`snapshot ${seq}`);
        break;
      }
      await asking;
    }
    await unsubscribed(server, 2);
  });
});

describe('an iteration that is slower than its stream', () => {
  /** Subscribed with room for three items, and nothing taken yet. */
  async function full(asked: Asked): Promise<void> {
    withSnapshot(asked, 0);
    send(asked, 1, 2, 3, 4, 5);
  }

  test('holds no more than it may, and goes on from there when all is taken', async ({
    server,
    following,
  }) => {
    const { next } = iterator(following.client(), { capacity: 3 });
    const first = next();
    await full(await server.asked());
    expect(await first).toBe('snapshot 0');
    await unsubscribed(server, 1);
    expect([await next(), await next()]).toEqual(['event 1', 'event 2']);
    expect(server.left).toBe(0);
    const waiting = next();
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 2 });
    recovered(second);
    send(second, 3, 4);
    expect([await waiting, await next()]).toEqual(['event 3', 'event 4']);
  });

  test('is told when the log has gone on without it', async ({ server, following }) => {
    const { next } = iterator(following.client(), { capacity: 3 });
    const first = next();
    await full(await server.asked());
    await first;
    await unsubscribed(server, 1);
    await next();
    await next();
    const waiting = next();
    withSnapshot(await server.asked(), 9_000);
    expect([await waiting, await next()]).toEqual(['gap not_recovered', 'snapshot 9000']);
  });

  test('gets the snapshot that closes a gap, however little room there is', async ({ server, following }) => {
    const { next } = iterator(following.client(), { capacity: 1, cursor: { epoch, seq: 7 } });
    const first = next();
    const asked = await server.asked();
    withSnapshot(asked, 9);
    send(asked, 10);
    expect([await first, await next()]).toEqual(['gap not_recovered', 'snapshot 9']);
    const waiting = next();
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 9 });
    recovered(second);
    send(second, 10);
    expect(await waiting).toBe('event 10');
  });

  test('ends when the client was closed meanwhile, after what it has', async ({ server, following }) => {
    const client = following.client();
    const { next } = iterator(client, { capacity: 3 });
    const first = next();
    await full(await server.asked());
    await first;
    await unsubscribed(server, 1);
    client.close();
    expect([await next(), await next(), await next()]).toEqual(['event 1', 'event 2', null]);
  });
});

describe('an iteration ends', () => {
  test('with its signal, whether it waits or not', async ({ server, following }) => {
    const client = following.client();
    const ending = new AbortController();
    const { next } = iterator(client, { signal: ending.signal });
    const first = next();
    const asked = await server.asked();
    withSnapshot(asked, 0);
    await first;
    const waiting = next();
    ending.abort();
    expect(await waiting).toBeNull();
    await unsubscribed(server, 1);
    expect(await iterator(client, { signal: ending.signal }).next()).toBeNull();
    expect(server.left).toBe(0);
  });

  test('with the client', async ({ server, following }) => {
    const client = following.client();
    const { next } = iterator(client);
    const waiting = next();
    await server.asked();
    client.close();
    expect(await waiting).toBeNull();
    expect(await iterator(client).next()).toBeNull();
  });

  test('with an error when it is refused', async ({ server, following }) => {
    const { items } = iterator(following.client());
    const waiting = items.next();
    (await server.asked()).answer({ ok: false, code: 'not_found' });
    await expect(waiting).rejects.toMatchObject({ code: 'refused' });
    await expect(waiting).rejects.toBeInstanceOf(LiveError);
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  test('with an error when the client gives up', async ({ server, following }) => {
    server.refusals = ['unauthorized'];
    const waiting = iterator(following.client()).items.next();
    await expect(waiting).rejects.toMatchObject({ code: 'closed', message: 'the token is not accepted' });
  });
});
