import { randomUUID } from 'node:crypto';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import type { StreamRights } from '@dialstream/server/gateway/stream-rights.js';
import type { Principal } from '@dialstream/server/principal.js';
import { describe, expect, test, type Live } from './live.js';
import { rawClient, transports } from './raw-client.js';

describe.for(transports)('connecting over %s', (transport) => {
  test.override('transport', transport);

  test.for([
    ['an unknown key', 'nonsense'],
    ['no key', undefined],
    ['an empty key', ''],
    ['a key that is no text', { $ne: null }],
    ['a key of absurd length', 'x'.repeat(10_000)],
  ] as const)('is refused with %s', async ([, token], { live }) => {
    const { url, gateway } = await live.gateway();
    const client = rawClient(transport, url, token);
    live.defer(() => client.close());
    await expect(client.connected()).rejects.toThrow(/^unauthorized$/);
    expect(gateway.connections()).toBe(0);
  });

  test('says so when keys cannot be checked', async ({ live }) => {
    const { url } = await live.gateway({
      authenticate: () => Promise.reject(new Error('Postgres is away')),
    });
    const client = rawClient(transport, url, 'key');
    live.defer(() => client.close());
    await expect(client.connected()).rejects.toThrow(/^unavailable$/);
  });
});

describe.for(transports)('rights over %s', (transport) => {
  test.override('transport', transport);

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
    await revoked.subscribed('campaigns');
    live.principals.delete(token);
    await gateway.checkRights();
    await revoked.until('disconnect', ({ isConnected }) => !isConnected);
    await same.until('disconnect', ({ isConnected }) => !isConnected);
    expect(revoked.resyncs).toEqual([{ topic: 'campaigns', code: 'rights_changed' }]);
    expect(await kept.subscribe('campaigns')).toMatchObject({ ok: true });
    expect(gateway.connections()).toBe(1);
  });

  test('a key with another role by now subscribes anew, and gets no more than it may', async ({ live }) => {
    const { accountId, token } = await live.account('admin');
    const { url, gateway } = await live.gateway();
    const client = await live.client(url, token);
    await client.subscribed('system');
    await client.subscribed('campaigns');
    live.principals.set(token, { accountId, keyId: token, name: token, role: 'viewer', isRoot: false });
    await gateway.checkRights();
    await client.until('resync', ({ resyncs }) => resyncs.length === 2);
    expect(client.resyncs).toEqual([
      { topic: 'system', code: 'rights_changed' },
      { topic: 'campaigns', code: 'rights_changed' },
    ]);
    expect(await client.subscribe('system')).toEqual({ ok: false, code: 'forbidden' });
    expect(await client.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('keys are checked by the clock', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway({ rightsCheckMs: 20 });
    const client = await live.client(url, token);
    live.principals.delete(token);
    await client.until('disconnect', ({ isConnected }) => !isConnected);
  });
});

function rightsOf(live: Live, token: string): Principal {
  const principal = live.principals.get(token);
  if (principal === undefined) throw new Error('no such token');
  return principal;
}

/** A gateway that gives these rights to whoever comes, and a client of it. */
async function openWith(live: Live, rights: StreamRights) {
  const { url, gateway } = await live.gateway({ authenticate: async () => rights });
  return { gateway, client: await live.client(url, 'any') };
}

describe.for(transports)('a token with an end over %s', (transport) => {
  test.override('transport', transport);

  test('opens its topics only, though its key may have more', async ({ live, db }) => {
    const { accountId, token } = await live.account('admin');
    const [granted, other] = [await addCampaign(db, accountId), await addCampaign(db, accountId)];
    live.grants.set(token, { topics: [`campaign:${granted}`] });
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    expect(await client.subscribe(`campaign:${granted}`)).toMatchObject({ ok: true });
    for (const topic of [`campaign:${other}`, 'campaigns', 'system']) {
      expect(await client.subscribe(topic)).toEqual({ ok: false, code: 'forbidden' });
    }
  });

  test('loses its connection when it expires, others of its key stay', async ({ live }) => {
    const { accountId, token } = await live.account();
    const key = live.token(accountId);
    live.grants.set(token, { expiresAt: new Date(Date.now() + 3_600_000) });
    const { url, gateway } = await live.gateway();
    const [client, kept] = [await live.client(url, token), await live.client(url, key)];
    await client.subscribed('campaigns');
    await gateway.checkRights();
    expect(await client.subscribe('campaigns')).toMatchObject({ ok: true });
    const expired = { principal: rightsOf(live, key), topics: null, expiresAt: new Date(Date.now() - 1) };
    const short = await openWith(live, expired);
    await short.client.subscribed('campaigns');
    await short.gateway.checkRights();
    await short.client.disconnected();
    expect(short.client.resyncs).toEqual([{ topic: 'campaigns', code: 'rights_changed' }]);
    expect(client.isConnected && kept.isConnected).toBe(true);
  });
});

describe.for(transports)('limits over %s', (transport) => {
  test.override('transport', transport);

  const usual = { connections: 100, subscriptions: 100, messages: { burst: 1_000, perSecond: 1_000 } };

  test('a key has so many connections at most, and another key its own', async ({ live }) => {
    const [ours, theirs] = [await live.account(), await live.account()];
    const { url } = await live.gateway({ usageLimits: { ...usual, connections: 2 } });
    const first = await live.client(url, ours.token);
    await live.client(url, ours.token);
    const third = rawClient(transport, url, ours.token);
    live.defer(() => third.close());
    await expect(third.connected()).rejects.toThrow(/^rate_limited$/);
    await live.client(url, theirs.token);
    first.close();
    await expect
      .poll(async () => {
        const again = rawClient(transport, url, ours.token);
        live.defer(() => again.close());
        return again.connected().then(
          () => 'connected',
          (error: Error) => error.message,
        );
      })
      .toBe('connected');
  });

  test('a key has so many subscriptions at most, over all its connections', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { url } = await live.gateway({ usageLimits: { ...usual, subscriptions: 2 } });
    const [one, other] = [await live.client(url, token), await live.client(url, token)];
    await one.subscribed('campaigns');
    await one.subscribed(`campaign:${campaignId}`);
    expect(await other.subscribe('campaigns')).toEqual({ ok: false, code: 'too_many' });
    // Asking again for the same takes no more than one place, and one that is refused takes none.
    await one.subscribed('campaigns');
    expect(await one.subscribe('nonsense')).toEqual({ ok: false, code: 'too_many' });
    await one.ask('unsubscribe', { topic: 'campaigns' });
    expect(await one.subscribe('nonsense')).toEqual({ ok: false, code: 'not_found' });
    expect(await other.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('a connection that ends gives its subscriptions back', async ({ live }) => {
    const { token } = await live.account();
    const { url, gateway } = await live.gateway({ usageLimits: { ...usual, subscriptions: 1 } });
    const [one, other] = [await live.client(url, token), await live.client(url, token)];
    await one.subscribed('campaigns');
    one.close();
    await expect.poll(() => gateway.connections()).toBe(1);
    expect(await other.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('messages beyond a connection’s are refused, and end it when they do not stop', async ({ live }) => {
    const { token } = await live.account();
    const { url } = await live.gateway({ messageLimit: { burst: 5, perSecond: 0.001 } });
    const [many, few] = [await live.client(url, token), await live.client(url, token)];
    const asked = await Promise.all(range(1, 10).map(() => many.ask('unsubscribe', { topic: 'campaigns' })));
    expect(asked.filter((ack) => (ack as { ok: boolean }).ok)).toHaveLength(5);
    expect(asked.at(-1)).toEqual({ ok: false, code: 'rate_limited' });
    many.ask('unsubscribe', { topic: 'campaigns' }).catch(() => undefined);
    await many.disconnected();
    expect(await few.subscribe('campaigns')).toMatchObject({ ok: true });
  });

  test('messages are counted over all connections of a key, connecting as well', async ({ live }) => {
    const { token } = await live.account();
    const messages = { burst: 4, perSecond: 0.001 };
    const { url } = await live.gateway({ usageLimits: { ...usual, messages } });
    const [one, other] = [await live.client(url, token), await live.client(url, token)];
    await one.subscribed('campaigns');
    await other.subscribed('campaigns');
    expect(await one.subscribe('campaigns')).toEqual({ ok: false, code: 'rate_limited' });
    const third = rawClient(transport, url, token);
    live.defer(() => third.close());
    await expect(third.connected()).rejects.toThrow(/^rate_limited$/);
  });
});

describe.for(transports)('bad input over %s', (transport) => {
  test.override('transport', transport);

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
