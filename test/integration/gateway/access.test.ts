import { randomUUID } from 'node:crypto';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { describe, expect, test } from './live.js';
import { RawClient } from './raw-client.js';

describe('connecting', () => {
  test.for([
    ['an unknown key', 'nonsense'],
    ['no key', undefined],
    ['an empty key', ''],
    ['a key that is no text', { $ne: null }],
    ['a key of absurd length', 'x'.repeat(10_000)],
  ] as const)('is refused with %s', async ([, token], { live }) => {
    const { url, gateway } = await live.gateway();
    const client = new RawClient(url, token);
    live.defer(() => client.close());
    await expect(client.connected()).rejects.toThrow(/^unauthorized$/);
    expect(gateway.connections()).toBe(0);
  });

  test('says so when keys cannot be checked', async ({ live }) => {
    const { url } = await live.gateway({
      authenticate: () => Promise.reject(new Error('Postgres is away')),
    });
    const client = new RawClient(url, 'key');
    live.defer(() => client.close());
    await expect(client.connected()).rejects.toThrow(/^unavailable$/);
  });

  test('works over HTTP polling too', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = new RawClient(url, token, ['polling']);
    live.defer(() => client.close());
    await client.connected();
    await client.subscribed('campaigns');
    await rename(outbox, { accountId, campaignId, times: 3 });
    await client.until('events', ({ events }) => events.length === 3);
    expect(client.seqs()).toEqual([1, 2, 3]);
  });
});

describe('rights', () => {
  test("another account's campaign is not found, and none of its events arrive", async ({ live, db }) => {
    const ours = await live.account();
    const theirs = await live.account();
    const campaignId = await addCampaign(db, theirs.accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const us = await live.client(url, ours.token);
    const them = await live.client(url, theirs.token);
    const topic = `campaign:${campaignId}`;
    await us.subscribed('campaigns');
    const { cursor } = await them.subscribed(topic);
    const notFound = { ok: false, code: 'not_found' };
    // The second time its owner is remembered; a cursor opens nothing either.
    expect(await us.subscribe(topic)).toEqual(notFound);
    expect(await us.subscribe(topic, cursor)).toEqual(notFound);
    await rename(outbox, { accountId: theirs.accountId, campaignId, times: 3 });
    await them.until('events', ({ events }) => events.length === 3);
    // Whatever had been sent to us would have come before this answer.
    await us.subscribe(topic);
    expect(us.events).toEqual([]);
    const { snapshot } = (await us.subscribe('campaigns')) as { snapshot?: unknown };
    expect(snapshot).toEqual({ campaigns: [] });
  });

  test('a viewer may read campaigns, but not the system topic', async ({ live, db }) => {
    const { accountId, token } = await live.account('viewer');
    const campaignId = await addCampaign(db, accountId);
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    expect(await client.subscribe(`campaign:${campaignId}`)).toMatchObject({ ok: true });
    expect(await client.subscribe('system')).toEqual({ ok: false, code: 'forbidden' });
  });

  test('a revoked key loses its connections, others stay', async ({ live }) => {
    const { accountId, token } = await live.account();
    const { url, gateway } = await live.gateway();
    const [revoked, same, kept] = [
      await live.client(url, token),
      await live.client(url, token),
      await live.client(url, live.token(accountId)),
    ];
    live.principals.delete(token);
    await gateway.checkRights();
    await revoked.until('disconnect', ({ socket }) => !socket.connected);
    await same.until('disconnect', ({ socket }) => !socket.connected);
    expect(await kept.subscribe('campaigns')).toMatchObject({ ok: true });
    expect(gateway.connections()).toBe(1);
  });

  test('a key with another role by now has to connect anew', async ({ live }) => {
    const { accountId, token } = await live.account('admin');
    const { url, gateway } = await live.gateway();
    const client = await live.client(url, token);
    await client.subscribed('system');
    live.principals.set(token, { accountId, keyId: token, name: token, role: 'viewer', isRoot: false });
    await gateway.checkRights();
    await client.until('disconnect', ({ socket }) => !socket.connected);
  });

  test('keys are checked by the clock', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway({ rightsCheckMs: 20 });
    const client = await live.client(url, token);
    live.principals.delete(token);
    await client.until('disconnect', ({ socket }) => !socket.connected);
  });
});

describe('bad input', () => {
  const bad = { ok: false, code: 'bad_request' };
  const badBodies: [string, unknown[]][] = [
    ['nothing', []],
    ['null', [null]],
    ['a number', [7]],
    ['text', ['campaigns']],
    ['a list', [['campaigns']]],
    ['no topic', [{}]],
    ['a topic that is no text', [{ topic: { toString: 1 } }]],
    ['a topic of absurd length', [{ topic: 'x'.repeat(5_000) }]],
    ['an unknown field', [{ topic: 'campaigns', since: 0 }]],
    ['an unknown mode', [{ topic: 'campaigns', mode: 'all' }]],
    ['a cursor that is a number', [{ topic: 'campaigns', cursor: 5 }]],
    ['a cursor without epoch', [{ topic: 'campaigns', cursor: { seq: 1 } }]],
    ['a negative seq', [{ topic: 'campaigns', cursor: { epoch: 'e', seq: -1 } }]],
    ['a seq with a fraction', [{ topic: 'campaigns', cursor: { epoch: 'e', seq: 1.5 } }]],
    ['a seq beyond exact numbers', [{ topic: 'campaigns', cursor: { epoch: 'e', seq: 2 ** 60 } }]],
    ['bytes', [Buffer.from('campaigns')]],
  ];

  test('is told apart, and changes nothing', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    for (const [what, body] of badBodies) {
      expect([what, await client.ask('subscribe', ...body)]).toEqual([what, bad]);
    }
    expect(await client.ask('unsubscribe', 7)).toEqual(bad);
    expect(await client.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test.for([
    '',
    'campaign',
    'campaigns ',
    'campaign:',
    'campaign:1',
    `campaign:${'-'.repeat(36)}`,
    '__proto__',
  ])('topic %j is none', async (topic, { live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const code = topic === '' ? 'bad_request' : 'not_found';
    expect(await client.subscribe(topic)).toEqual({ ok: false, code });
  });

  test('a campaign that does not exist is not found, nor is a deleted one', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const deleted = await addCampaign(db, accountId);
    await db.query('update campaigns set deleted_at = now() where id = $1', [deleted]);
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    for (const id of [randomUUID(), deleted]) {
      expect(await client.subscribe(`campaign:${id}`)).toEqual({ ok: false, code: 'not_found' });
    }
  });

  test('unknown messages, and requests that want no answer, harm nobody', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    client.socket.emit('publish', { topic: 'campaigns' });
    client.socket.emit('event', { topic: 'campaigns', epoch: 'e', seq: 1 });
    client.socket.emit('subscribe');
    client.socket.emit('subscribe', 'campaigns', 'not a function');
    client.socket.emit('unsubscribe', null);
    client.socket.io.engine.write('4nonsense');
    const other = await live.client(url, token);
    expect(await other.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('a message beyond all bounds ends the connection', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    client.socket.emit('subscribe', { topic: 'x'.repeat(100_000) });
    await client.until('disconnect', ({ socket }) => !socket.connected);
  });

  test('a connection has so many subscriptions at most', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const topics: string[] = [];
    for (const _ of range(1, 4)) topics.push(`campaign:${await addCampaign(db, accountId)}`);
    const { url } = await live.gateway({ subscriptionLimit: 3 });
    const client = await live.client(url, token);
    const acks = await Promise.all(topics.map((topic) => client.subscribe(topic)));
    expect(acks.map((ack) => (ack.ok ? 'ok' : ack.code))).toEqual(['ok', 'ok', 'ok', 'too_many']);
    await client.ask('unsubscribe', { topic: topics[0] });
    expect(await client.subscribe(topics[3] ?? '')).toMatchObject({ ok: true });
  });
});
