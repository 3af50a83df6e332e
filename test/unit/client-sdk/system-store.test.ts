import { systemStore } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { describe, expect, recovered, test } from './following.js';
import { begin, cursor } from './store-records.js';

const trunk = (id: string, status: 'up' | 'down') => ({
  id,
  name: `Trunk ${id}`,
  host: 'sip.example.net',
  port: 5060,
  transport: 'udp' as const,
  status,
  statusReason: null,
});
const account = {
  id: 'acc',
  name: 'Account',
  minutes: { balance: 12.5, reserved: 1 },
  uniqueUsers: { limit: null, used: 3 },
  maxConcurrent: null,
};
const system = {
  trunks: [trunk('t1', 'up'), trunk('t2', 'up')],
  dialers: [{ id: 'd1', host: 'one', status: 'up' as const }],
  account,
};

describe('the store of the system', () => {
  test('follows trunks, dialers and limits', async ({ server, following }) => {
    const store = systemStore(following.client());
    expect(store.get()).toMatchObject({ freshness: 'loading', trunks: [], dialers: [], account: null });
    const asked = await server.asked();
    expect(asked.body).toEqual({ topic: 'system' });
    const send = begin(asked, system, store);
    await send('trunk.status_changed', { trunkId: 't2', from: 'up', to: 'down', reason: 'no answer' });
    await send('dialer.status_changed', { dialerId: 'd1', host: 'one', from: 'up', to: 'draining' });
    await send('dialer.status_changed', { dialerId: 'd2', host: 'two', from: 'down', to: 'up' });
    const limits = { ...account, maxConcurrent: 7 };
    await send('account.limit_changed', { accountId: 'acc', limit: 'maxConcurrent', account: limits });
    expect(store.get()).toMatchObject({
      freshness: 'live',
      trunks: [system.trunks[0], { ...system.trunks[1], status: 'down', statusReason: 'no answer' }],
      dialers: [
        { id: 'd1', host: 'one', status: 'draining' },
        { id: 'd2', host: 'two', status: 'up' },
      ],
      account: limits,
    });
  });

  test('takes its state anew for a trunk that it does not know', async ({ server, following }) => {
    const gaps: unknown[] = [];
    const store = systemStore(following.client(), { onGap: (gap) => gaps.push(gap) });
    const send = begin(await server.asked(), system, store);
    await send('trunk.status_changed', { trunkId: 't9', from: 'down', to: 'up', reason: '' });
    const again = await server.asked();
    expect(again.body.cursor).toBeUndefined();
    const trunks = [...system.trunks, trunk('t9', 'up')];
    begin(again, { ...system, trunks }, store);
    await until(() => store.get().trunks.length === 3, { withinMs: 5_000, what: 'the snapshot' });
    expect(store.get()).toMatchObject({ freshness: 'live', trunks });
    expect(gaps).toEqual([]);
  });

  test('takes its state anew when it is asked to', async ({ server, following }) => {
    const store = systemStore(following.client());
    begin(await server.asked(), system, store);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    store.refresh();
    begin(await server.asked(), { ...system, trunks: [] }, store);
    await until(() => store.get().trunks.length === 0, { withinMs: 5_000, what: 'the snapshot' });
  });

  test('forgets a dialer an hour after it is gone', async ({ server, following }) => {
    const store = systemStore(following.client());
    const before = { id: 'd0', host: 'old', status: 'down' as const };
    const send = begin(await server.asked(), { ...system, dialers: [before, ...system.dialers] }, store);
    const change = async (dialerId: string, to: string, minute: number): Promise<string[]> => {
      const time = new Date(Date.UTC(2026, 9, 1, 9, minute)).toISOString();
      await send('dialer.status_changed', { dialerId, host: 'x', from: 'up', to }, time);
      return store.get().dialers.map(({ id, status }) => `${id} ${status}`);
    };
    expect(await change('d1', 'down', 0)).toEqual(['d0 down', 'd1 down']);
    expect(await change('d2', 'up', 59)).toEqual(['d0 down', 'd1 down', 'd2 up']);
    expect(await change('d1', 'up', 59)).toEqual(['d0 down', 'd1 up', 'd2 up']);
    expect(await change('d1', 'down', 60)).toEqual(['d1 down', 'd2 up']);
    expect(await change('d2', 'draining', 119)).toEqual(['d1 down', 'd2 draining']);
    expect(await change('d2', 'down', 121)).toEqual(['d2 down']);
  });

  test('keeps its object when an event says nothing to it', async ({ server, following }) => {
    const store = systemStore(following.client());
    const send = begin(await server.asked(), system, store);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    const before = store.get();
    await send('campaign.deleted', { campaignId: '1', version: 6 });
    expect(store.get()).toBe(before);
  });

  test('comes back after a reload', async ({ server, following }) => {
    const first = systemStore(following.client());
    begin(await server.asked(), system, first);
    await until(() => first.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    const state: unknown = JSON.parse(JSON.stringify(first.save()));
    const store = systemStore(following.client(), { restore: state });
    expect(store.get()).toMatchObject({ freshness: 'stale', ...system });
    const asked = await server.asked();
    expect(asked.body.cursor).toEqual(cursor);
    recovered(asked);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    expect(
      systemStore(following.client(), { restore: { ...(state as object), state: {} } }).get(),
    ).toMatchObject({
      freshness: 'loading',
    });
  });

  test('is refused to who is no admin', async ({ server, following }) => {
    const store = systemStore(following.client());
    (await server.asked()).answer({ ok: false, code: 'forbidden' });
    await until(() => store.get().freshness === 'refused', { withinMs: 5_000, what: 'refused' });
    expect(store.get().subscription).toMatchObject({ code: 'forbidden' });
  });
});
