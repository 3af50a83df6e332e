import { LiveError } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import {
  describe,
  epoch,
  expect,
  join,
  recovered,
  send,
  test,
  Told,
  transports,
  withSnapshot,
} from './following.js';

describe.for(transports)('a subscription over %s', (transport) => {
  test.override('transport', transport);

  test('gets a snapshot, then each event once and in order', async ({ server, following }) => {
    const { told, subscription } = following.follow();
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

  test('gives events as they are, whatever carries them', async ({ server, following }) => {
    const events: unknown[] = [];
    const { told } = following.follow({}, { onEvent: (event) => told.add('whole', events.push(event)) });
    const asked = await server.asked();
    withSnapshot(asked, 0);
    const event = { topic: 'campaigns', epoch, seq: 1, type: 'campaign.updated', data: { name: 'ü' } };
    asked.socket.emit('event', event);
    await told.until('whole', 1);
    expect(events).toEqual([event]);
  });

  test('goes on from a cursor that was kept', async ({ server, following }) => {
    const { told } = following.follow({}, { cursor: { epoch, seq: 3 } });
    const asked = await server.asked();
    expect(asked.body.cursor).toEqual({ epoch, seq: 3 });
    recovered(asked);
    send(asked, 4);
    await told.until('event', 4);
    expect(told.of('snapshot')).toEqual([]);
  });

  test('asks again from its cursor when an event is missing, and applies none of what follows', async ({
    server,
    following,
  }) => {
    const { told } = following.follow();
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
    ['the server makes no sense', { campaigns: { epoch, seq: 'x' } }],
  ] as const)('asks again when a heartbeat tells that %s', async ([, heads], { server, following }) => {
    const { told } = following.follow();
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

  test('asks again when the server ends it, and tells why', async ({ server, following }) => {
    const { told } = following.follow();
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

  test('tells the gap also when it is the last that it does', async ({ server, following }) => {
    const { told } = following.follow({ reconnect: { delayMs: () => null } });
    const first = await server.asked();
    withSnapshot(first, 4);
    first.socket.emit('resync', { topic: 'campaigns', code: 'trimmed' });
    await told.until('state', 'closed: given_up');
    expect(told.of('gap')).toMatchObject([{ cause: 'resync', code: 'trimmed' }]);
  });

  test('goes on from its cursor after a lost connection', async ({ server, following }) => {
    const { told, subscription } = following.follow();
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

  test('heeds no answer that a lost connection had left', async ({ server, following }) => {
    const { told } = following.follow();
    const first = await server.asked();
    first.socket.cut();
    const second = await server.asked();
    withSnapshot(first, 100);
    withSnapshot(second, 7);
    send(second, 8);
    await told.until('event', 8);
    expect(told.of('snapshot')).toHaveLength(1);
  });

  test.for(['unavailable', 'too_slow', 'superseded', 'too_many', 'rate_limited', 'something_new'])(
    'tries again when it is refused with %s',
    async (code, { server, following }) => {
      const { told } = following.follow();
      (await server.asked()).answer({ ok: false, code });
      withSnapshot(await server.asked(), 1);
      await told.until('state', 'live: snapshot');
      expect(told.of('state')).toContain(`subscribing: ${code}`);
    },
  );

  test.for(['not_found', 'forbidden', 'bad_request'])(
    'is over when it is refused with %s',
    async (code, { server, following }) => {
      const { client, told, subscription } = following.follow();
      (await server.asked()).answer({ ok: false, code });
      await told.until('state', `refused: ${code}`);
      expect(subscription.state.status).toBe('refused');
      // The topic is free again.
      client.subscribe('campaigns');
      await server.asked();
    },
  );

  test.for([
    ['nothing', 'subscribing: unknown', {}],
    ['no cursor', 'subscribing: bad_answer', { ok: true, recovered: false, snapshot: {} }],
    [
      'another cursor than was asked for',
      'subscribing: bad_answer',
      { ok: true, recovered: true, cursor: { epoch, seq: 9 } },
    ],
  ] as const)('tries again when the answer has %s', async ([, code, answer], { server, following }) => {
    const { told } = following.follow({}, { cursor: { epoch, seq: 3 } });
    (await server.asked()).answer(answer);
    recovered(await server.asked());
    await told.until('state', 'live: recovered');
    expect(told.of('state').filter((state) => state !== 'subscribing: subscribing')).toEqual([
      code,
      'live: recovered',
    ]);
    expect(told.of('event')).toEqual([]);
    expect(told.of('gap')).toEqual([]);
  });

  test('takes a snapshot for a cursor that is ahead of the log', async ({ server, following }) => {
    const { told } = following.follow({}, { cursor: { epoch, seq: 1_000 } });
    const asked = await server.asked();
    withSnapshot(asked, 30);
    send(asked, 31);
    await told.until('event', 31);
    expect(told.of('snapshot')).toHaveLength(1);
    expect(told.of('gap')).toMatchObject([{ cause: 'not_recovered', after: { seq: 1_000 } }]);
  });

  test('takes no snapshot any more when it was closed because of the gap', async ({ server, following }) => {
    const told = new Told();
    const subscription = following.client().subscribe('campaigns', {
      ...told.options,
      cursor: { epoch, seq: 3 },
      onGap: () => subscription.close(),
    });
    withSnapshot(await server.asked(), 9);
    await told.until('state', 'closed: closed');
    expect(told.of('snapshot')).toEqual([]);
    await until(() => server.unsubscribed.length === 1, { withinMs: 10_000, what: 'unsubscribed' });
  });

  test('takes no garbage for events', async ({ server, following }) => {
    const { told } = following.follow();
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

  test('takes its state anew when it is asked to, and calls that no gap', async ({ server, following }) => {
    const { told, subscription } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 1);
    await told.until('state', 'live: snapshot');
    subscription.refresh();
    const second = await server.asked();
    expect(second.body.cursor).toBeUndefined();
    withSnapshot(second, 9);
    send(second, 10);
    await told.until('event', 10);
    expect(told.of('snapshot')).toHaveLength(2);
    expect(told.of('gap')).toEqual([]);
  });

  test('is silent once closed, also from within a callback', async ({ server, following }) => {
    const { client, told, subscription } = following.follow();
    const asked = await server.asked();
    withSnapshot(asked, 0);
    send(asked, 1);
    await told.until('event', 1);
    subscription.close();
    subscription.close();
    subscription.refresh();
    send(asked, 2, 3);
    const again = join(client);
    withSnapshot(await server.asked(), 3);
    await again.told.until('state', 'live: snapshot');
    expect(told.of('event')).toEqual([1]);
    expect(told.of('state').at(-1)).toBe('closed: closed');
    expect(server.unsubscribed).toEqual(['campaigns']);
  });

  test('may be closed by what it calls', async ({ server, following }) => {
    const client = following.client();
    for (const callback of ['onSnapshot', 'onEvent', 'onGap'] as const) {
      const told = new Told();
      const subscription = client.subscribe('campaigns', {
        ...told.options,
        [callback]: () => {
          subscription.close();
          told.add('called', callback);
        },
      });
      const asked = await server.asked();
      withSnapshot(asked, 0);
      send(asked, 1, 3);
      await told.until('called', callback);
      expect(told.of('called')).toEqual([callback]);
      expect(subscription.state.status).toBe('closed');
    }
    await until(() => server.unsubscribed.length === 3, { withinMs: 10_000, what: 'unsubscribed thrice' });
    expect(server.left).toBe(0);
  });

  test('that begins in the very moment of the connection is asked for once', async ({
    server,
    following,
  }) => {
    const told = new Told();
    const client = following.client();
    client.onState(({ status }) => {
      if (status === 'connected') client.subscribe('campaigns', told.options);
    });
    withSnapshot(await server.asked(), 0);
    await told.until('state', 'live: snapshot');
    expect(server.left).toBe(0);
  });

  test('cannot begin once the client is closed', ({ following }) => {
    const { client } = following.follow();
    client.close();
    expect(() => client.subscribe('campaigns')).toThrow(LiveError);
    expect(() => client.subscribe('system')).toThrow('closed');
  });
});
