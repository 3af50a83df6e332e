import type { LiveEvent } from '@dialstream/client-sdk';
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

describe.for(transports)('a topic that several subscribe to over %s', (transport) => {
  test.override('transport', transport);

  test('is asked for once when they begin together', async ({ server, following }) => {
    const { client, told } = following.follow();
    const other = join(client);
    const asked = await server.asked();
    withSnapshot(asked, 3);
    send(asked, 4);
    await told.until('event', 4);
    await other.told.until('event', 4);
    expect(other.told.of('snapshot')).toHaveLength(1);
    expect(server.left).toBe(0);
  });

  test('gives a newcomer a snapshot, and those before it every event', async ({ server, following }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 0);
    send(first, 1, 2);
    await told.until('event', 2);
    const newcomer = join(client);
    const second = await server.asked();
    expect(second.body.cursor).toBeUndefined();
    // The server has got to 4 before it took the snapshot; 5 follows that.
    withSnapshot(second, 4);
    send(second, 5);
    const third = await server.asked();
    expect(third.body.cursor).toEqual({ epoch, seq: 2 });
    recovered(third);
    send(third, 3, 4, 5, 6);
    await newcomer.told.until('event', 6);
    await told.until('event', 6);
    expect(told.of('event')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(newcomer.told.of('event')).toEqual([5, 6]);
    expect([...told.of('gap'), ...newcomer.told.of('gap')]).toEqual([]);
    // Nobody who was up to date was made to wait.
    expect(told.of('state')).toEqual(['subscribing: subscribing', 'live: snapshot']);
    expect(server.left).toBe(0);
  });

  test('is not called live for those before a newcomer when its answer takes its time', async ({
    server,
    following,
  }) => {
    const { client, told } = following.follow();
    withSnapshot(await server.asked(), 2);
    await told.until('state', 'live: snapshot');
    join(client);
    const second = await server.asked();
    await until(() => told.of('state').at(-1) === 'subscribing: subscribing', {
      withinMs: 10_000,
      what: 'impatience',
    });
    withSnapshot(second, 2);
    await told.until('state', 'live: recovered');
    expect(told.of('snapshot')).toHaveLength(1);
  });

  test('is asked for no second time when the snapshot is where the others are', async ({
    server,
    following,
  }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 2);
    await told.until('state', 'live: snapshot');
    const newcomer = join(client);
    const second = await server.asked();
    withSnapshot(second, 2);
    send(second, 3);
    await newcomer.told.until('event', 3);
    await told.until('event', 3);
    expect(told.of('snapshot')).toHaveLength(1);
    expect(server.left).toBe(0);
  });

  test('is told to be broken when those before cannot go on from where they are', async ({
    server,
    following,
  }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 2);
    await told.until('state', 'live: snapshot');
    const newcomer = join(client);
    withSnapshot(await server.asked(), 9_000);
    const third = await server.asked();
    expect(third.body.cursor).toEqual({ epoch, seq: 2 });
    withSnapshot(third, 9_001);
    send(third, 9_002);
    await told.until('event', 9_002);
    await newcomer.told.until('event', 9_002);
    expect(told.of('gap')).toMatchObject([
      { cause: 'not_recovered', after: { seq: 2 }, seen: { seq: 9_001 } },
    ]);
    // Told too: what lies between its snapshot and this one was not sent to it either.
    expect(newcomer.told.of('gap')).toMatchObject([{ cause: 'not_recovered', after: { seq: 9_000 } }]);
    expect(newcomer.told.of('event')).toEqual([9_002]);
  });

  test('goes on from the place of each who brings one', async ({ server, following }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 10);
    await told.until('state', 'live: snapshot');
    const behind = join(client, { cursor: { epoch, seq: 7 } });
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 7 });
    recovered(second);
    send(second, 8, 9, 10, 11);
    await behind.told.until('event', 11);
    await told.until('event', 11);
    expect(behind.told.of('event')).toEqual([8, 9, 10, 11]);
    expect(behind.told.of('state').at(-1)).toBe('live: recovered');
    expect(told.of('event')).toEqual([11]);
    expect(server.left).toBe(0);
  });

  test('gives a snapshot to who brings a place that the log does not have', async ({ server, following }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 10);
    await told.until('state', 'live: snapshot');
    const ahead = join(client, { cursor: { epoch, seq: 5_000 } });
    const gone = join(client, { cursor: { epoch: 'e0', seq: 5 } });
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 5_000 });
    withSnapshot(second, 10);
    send(second, 11);
    for (const one of [ahead.told, gone.told, told]) await one.until('event', 11);
    expect(ahead.told.of('gap')).toMatchObject([{ cause: 'not_recovered', after: { seq: 5_000 } }]);
    expect(gone.told.of('gap')).toMatchObject([{ cause: 'not_recovered', after: { epoch: 'e0' } }]);
    expect(told.of('gap')).toEqual([]);
    expect(server.left).toBe(0);
  });

  test('believes nobody to be ahead whom the server has not heard', async ({ server, following }) => {
    const { client, told } = following.follow();
    withSnapshot(await server.asked(), 10);
    await told.until('state', 'live: snapshot');
    const ahead = join(client, { cursor: { epoch, seq: 11 } });
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 11 });
    recovered(second);
    const third = await server.asked();
    expect(third.body.cursor).toEqual({ epoch, seq: 10 });
    recovered(third);
    send(third, 11, 12);
    await ahead.told.until('event', 12);
    await told.until('event', 12);
    expect(told.of('event')).toEqual([11, 12]);
    expect(ahead.told.of('event')).toEqual([12]);
  });

  test('asks for who comes while it is asked for', async ({ server, following }) => {
    const { client, told } = following.follow({}, { cursor: { epoch, seq: 4 } });
    const first = await server.asked();
    const newcomer = join(client);
    recovered(first);
    const second = await server.asked();
    expect(second.body.cursor).toBeUndefined();
    withSnapshot(second, 6);
    const third = await server.asked();
    expect(third.body.cursor).toEqual({ epoch, seq: 4 });
    recovered(third);
    send(third, 5, 6, 7);
    await told.until('event', 7);
    await newcomer.told.until('event', 7);
    expect(told.of('event')).toEqual([5, 6, 7]);
    expect(newcomer.told.of('event')).toEqual([7]);
  });

  test('goes on for all after a lost connection, from who is furthest behind', async ({
    server,
    following,
  }) => {
    const { client, told } = following.follow();
    const first = await server.asked();
    withSnapshot(first, 1);
    await told.until('state', 'live: snapshot');
    const newcomer = join(client);
    withSnapshot(await server.asked(), 5);
    const third = await server.asked();
    third.socket.cut();
    const fourth = await server.asked();
    expect(fourth.body.cursor).toEqual({ epoch, seq: 1 });
    recovered(fourth);
    send(fourth, 2, 3, 4, 5, 6);
    await told.until('event', 6);
    await newcomer.told.until('event', 6);
    expect(told.of('event')).toEqual([2, 3, 4, 5, 6]);
    expect(newcomer.told.of('event')).toEqual([6]);
  });

  test('is heard of no more only when the last has gone', async ({ server, following }) => {
    const { client, told, subscription } = following.follow();
    const other = join(client);
    const asked = await server.asked();
    withSnapshot(asked, 0);
    await told.until('state', 'live: snapshot');
    subscription.close();
    send(asked, 1);
    await other.told.until('event', 1);
    expect(told.of('event')).toEqual([]);
    expect(server.unsubscribed).toEqual([]);
    other.subscription.close();
    await until(() => server.unsubscribed.length === 1, { withinMs: 10_000, what: 'unsubscribed' });
  });

  test('is refused for all of them', async ({ server, following }) => {
    const { client, told } = following.follow();
    withSnapshot(await server.asked(), 0);
    await told.until('state', 'live: snapshot');
    const newcomer = join(client);
    (await server.asked()).answer({ ok: false, code: 'forbidden' });
    await newcomer.told.until('state', 'refused: forbidden');
    expect(told.of('state').at(-1)).toBe('refused: forbidden');
  });
});

describe('the latest mode', () => {
  const latest = { mode: 'latest' } as const;
  const event = (seq: number, previousSeq: number, type = 'campaign.counts') => ({
    topic: 'campaigns',
    epoch,
    seq,
    previousSeq,
    type,
    data: {},
  });

  test('takes numbers that leave some out, and finds it out when one is missing', async ({
    server,
    following,
  }) => {
    const { told } = following.follow({}, latest);
    const first = await server.asked();
    expect(first.body).toEqual({ topic: 'campaigns', mode: 'latest' });
    withSnapshot(first, 10);
    for (const [seq, previous] of [
      [14, 10],
      [15, 14],
      [15, 14],
      [29, 12],
      [40, 30],
    ] as const) {
      first.socket.emit('event', event(seq, previous));
    }
    const second = await server.asked();
    expect(second.body).toEqual({ topic: 'campaigns', mode: 'latest', cursor: { epoch, seq: 29 } });
    expect(told.of('event')).toEqual([14, 15, 29]);
    expect(told.of('gap')).toMatchObject([{ cause: 'missing_seq', after: { seq: 29 }, seen: { seq: 40 } }]);
  });

  test('goes with the heartbeat over what was not for it', async ({ server, following }) => {
    const { told, subscription } = following.follow({}, latest);
    const first = await server.asked();
    withSnapshot(first, 10);
    first.socket.emit('event', event(14, 10));
    first.socket.emit('heartbeat', { heads: { campaigns: { epoch, seq: 33, sentSeq: 14 } } });
    first.socket.emit('event', event(40, 33));
    await told.until('event', 40);
    expect(subscription.cursor).toEqual({ epoch, seq: 40 });
    first.socket.emit('heartbeat', { heads: { campaigns: { epoch, seq: 50, sentSeq: 40 } } });
    first.socket.emit('heartbeat', { heads: { campaigns: { epoch, seq: 53, sentSeq: 51 } } });
    const second = await server.asked();
    expect(second.body.cursor).toEqual({ epoch, seq: 50 });
    expect(told.of('gap')).toMatchObject([{ cause: 'heartbeat', after: { seq: 50 }, seen: { seq: 53 } }]);
  });

  test('gives way to another subscriber’s stream, and comes back after it', async ({ server, following }) => {
    const { client, told, subscription } = following.follow({}, latest);
    const first = await server.asked();
    withSnapshot(first, 10);
    await told.until('state', 'live: snapshot');
    const types: string[] = [];
    const all = client.subscribe('campaigns', { onEvent: ({ type }: LiveEvent) => types.push(type) });
    const second = await server.asked();
    expect(second.body).toEqual({ topic: 'campaigns' });
    withSnapshot(second, 10);
    for (const [i, type] of ['call.status_changed', 'attempt.changed', 'campaign.counts'].entries()) {
      second.socket.emit('event', { topic: 'campaigns', epoch, seq: 11 + i, type, data: {} });
    }
    await told.until('event', 13);
    expect(told.of('event')).toEqual([13]);
    expect(types).toEqual(['call.status_changed', 'attempt.changed', 'campaign.counts']);
    all.close();
    const third = await server.asked();
    expect(third.body).toEqual({ topic: 'campaigns', mode: 'latest', cursor: { epoch, seq: 13 } });
    recovered(third);
    third.socket.emit('event', event(20, 13));
    await told.until('event', 20);
    expect(subscription.mode).toBe('latest');
    expect(told.of('gap')).toEqual([]);
  });

  test('is asked for by who comes later when all want it', async ({ server, following }) => {
    const { client, told: before } = following.follow({}, latest);
    withSnapshot(await server.asked(), 1);
    await before.until('state', 'live: snapshot');
    const told = new Told();
    client.subscribe('campaigns', { ...told.options, ...latest });
    const second = await server.asked();
    expect(second.body).toEqual({ topic: 'campaigns', mode: 'latest' });
    withSnapshot(second, 1);
    await told.until('state', 'live: snapshot');
  });
});
