import { once } from 'node:events';
import { connect } from 'node:net';
import { closeCodes } from '@dialstream/shared/events/protocol.js';
import { Registry } from 'prom-client';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { describe, expect, test, type Live } from './live.js';
import { RawSocketIoClient, RawWebSocketClient } from './raw-client.js';

/** A connected client of the transport's own class. */
async function connected<Client extends RawSocketIoClient | RawWebSocketClient>(
  live: Live,
  client: Client,
): Promise<Client> {
  live.defer(() => client.close());
  await client.connected();
  return client;
}

describe('Socket.IO', () => {
  test('works over HTTP polling too', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await connected(live, new RawSocketIoClient(url, token, ['polling']));
    await client.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    expect(client.seqs()).toEqual([1, 2, 3]);
  });

  test('unknown messages, and requests that want no answer, harm nobody', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const { socket } = await connected(live, new RawSocketIoClient(url, token));
    socket.emit('publish', { topic: 'campaigns' });
    socket.emit('event', { topic: 'campaigns', epoch: 'e', seq: 1 });
    socket.emit('subscribe');
    socket.emit('subscribe', 'campaigns', 'not a function');
    socket.emit('unsubscribe', null);
    socket.io.engine.write('4nonsense');
    const other = await live.client(url, token);
    expect(await other.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('unknown messages count', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway({ messageLimit: { burst: 5, perSecond: 0.001 } });
    const client = await connected(live, new RawSocketIoClient(url, token));
    for (const n of range(1, 11)) client.socket.emit('publish', n);
    await client.disconnected();
  });

  test('a message beyond all bounds ends the connection', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await connected(live, new RawSocketIoClient(url, token));
    client.socket.emit('subscribe', { topic: 'x'.repeat(100_000) });
    await client.disconnected();
  });

  test('pages of any origin may connect by polling: rights come with the token', async ({ live }) => {
    const { url } = await live.gateway();
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'https://shop.example' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    await answer.text();
  });
});

describe('WebSocket', () => {
  test('takes the token from the Authorization header as well', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const headers = { authorization: `Bearer ${token}` };
    const client = await connected(live, new RawWebSocketClient(url, '', headers));
    expect(await client.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('is refused as a problem that says why', async ({ live }) => {
    const { url } = await live.gateway();
    const answer = await upgrade(url, '/v1/stream?token=wrong');
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nContent-Type: application\/problem\+json\r\n/);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      status: 401,
      code: 'unauthorized',
    });
  });

  test.for(['/v1/streams', '/', '/v1/stream/x?token=a'])(
    'nothing else can be upgraded: %s',
    async (path, { live }) => {
      const { url } = await live.gateway();
      expect(await upgrade(url, path)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test.for([
    ['no JSON', 'subscribe campaigns'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['bytes', Buffer.from('{"op":"subscribe","topic":"campaigns"}')],
    ['no op', '{"topic":"campaigns"}'],
    ['an unknown op', '{"op":"publish","id":1}'],
    ['an op that is none', '{"op":{"toString":1}}'],
  ] as const)(
    'a frame that is %s is answered with an error, and the rest goes on',
    async ([, frame], { live }) => {
      const { token } = await live.account();
      const { url } = await live.gateway();
      const client = await connected(live, new RawWebSocketClient(url, token));
      client.send(frame);
      expect(await client.subscribe('campaigns')).toMatchObject({ ok: true });
      expect(client.errors).toMatchObject([{ op: 'error', code: 'bad_request' }]);
    },
  );

  test('answers name their request by the id it came with, whatever that is', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await connected(live, new RawWebSocketClient(url, token));
    const frames: { id?: unknown; code?: string }[] = [];
    client.socket.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString()) as object));
    for (const id of ['a', 7, undefined, null, { a: 1 }, 'x'.repeat(500)])
      client.send({ op: 'unsubscribe', id });
    await client.ask('unsubscribe', { topic: 'campaigns' });
    expect(frames.slice(0, -1).map(({ id }) => id)).toEqual([
      'a',
      7,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(frames.slice(0, -1).every(({ code }) => code === 'bad_request')).toBe(true);
  });

  test('a frame beyond 16 KiB ends the connection', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await connected(live, new RawWebSocketClient(url, token));
    client.send({ op: 'subscribe', topic: 'x'.repeat(20_000) });
    await client.disconnected();
    expect(client.closedWith?.code).toBe(closeCodes.tooBig);
  });

  test('says with what code it closes', async ({ live }) => {
    const { token } = await live.account();
    const { url, gateway } = await live.gateway({ messageLimit: { burst: 5, perSecond: 0.001 } });
    const open = () => connected(live, new RawWebSocketClient(url, token));
    const [flooding, revoked] = [await open(), await open()];
    for (const n of range(1, 11)) flooding.send({ op: 'publish', n });
    await flooding.until('close', ({ closedWith }) => closedWith !== null);
    expect(flooding.closedWith).toEqual({ code: closeCodes.rateLimited, reason: 'rate_limited' });
    live.principals.delete(token);
    await gateway.checkRights();
    await revoked.until('close', ({ closedWith }) => closedWith !== null);
    expect(revoked.closedWith).toEqual({ code: closeCodes.unauthorized, reason: 'unauthorized' });
    const last = await connected(live, new RawWebSocketClient(url, live.token('0')));
    await gateway.close();
    await last.until('close', ({ closedWith }) => closedWith !== null);
    expect(last.closedWith).toEqual({ code: closeCodes.restart, reason: 'restart' });
  });

  test('gets many events in one go, each a frame of its own, however long', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await connected(live, new RawWebSocketClient(url, token));
    await client.subscribed('campaigns');
    // Around the lengths at which a frame's header grows (RFC 6455, section 5.2).
    for (const bytes of [1, 65_000, 65_535, 66_000]) {
      await rename(outbox, { accountId, campaignId, times: 3, padding: 'ü'.repeat(bytes / 2) });
    }
    await client.until('events', ({ events }) => events.length === 12);
    expect(client.seqs()).toEqual(range(1, 12));
  });
});

describe('metrics', () => {
  test('tell what is open, sent, ended and refused, over both transports', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const registry = new Registry();
    const { url, gateway } = await live.gateway({ registry });
    const clients = [
      await connected(live, new RawSocketIoClient(url, token)),
      await connected(live, new RawWebSocketClient(url, token)),
    ];
    for (const client of clients) {
      await client.subscribed('campaigns');
      expect(await client.subscribe('nonsense')).toMatchObject({ code: 'not_found' });
    }
    await rename(outbox, { accountId, campaignId, times: 3 });
    for (const client of clients) await client.until('events', ({ events }) => events.length === 3);
    const read = async (name: string) =>
      (await registry.metrics()).match(new RegExp(`^${name} (.*)$`, 'm'))?.[1];
    expect(await read('dialstream_stream_connections')).toBe('2');
    expect(await read('dialstream_stream_subscriptions')).toBe('2');
    expect(await read('dialstream_stream_events_total')).toBe('6');
    expect(await read('dialstream_stream_refusals_total{code="not_found"}')).toBe('2');
    live.principals.delete(token);
    await gateway.checkRights();
    for (const client of clients) await client.disconnected();
    expect(await read('dialstream_stream_resyncs_total{code="rights_changed"}')).toBe('2');
    await expect.poll(() => read('dialstream_stream_subscriptions')).toBe('0');
  });
});

/** The whole answer to a request for an upgrade that is refused. */
async function upgrade(url: string, path: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'close');
  return answer;
}
