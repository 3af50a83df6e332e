import { campaignsStore, campaignStore, type Gap, type SavedState } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import type { FakeServer } from './fake-server.js';
import { describe, epoch, expect, recovered, test, type Following } from './following.js';
import { at, begin, campaign, counts } from './store-records.js';

describe('the store of campaigns', () => {
  test('drops what its snapshot held already, and takes what is news', async ({ server, following }) => {
    const client = following.client();
    const store = campaignsStore(client);
    const send = begin(await server.asked(), { campaigns: [campaign('1')] }, store);
    const reason = { code: 'manual', message: '', actor: 'test', at };
    const countsEvent = (version: number) => ({
      campaignId: '1',
      counts: counts(0, version),
      activeAttempts: version,
      version,
    });
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    const before = store.get().byId.get('1');
    await send('campaign.created', { campaignId: '1', name: 'old', version: 1 });
    await send('campaign.updated', { campaignId: '1', name: 'old', version: 4 });
    await send('campaign.status_changed', {
      campaignId: '1',
      from: 'draft',
      to: 'planned',
      reason,
      version: 5,
    });
    await send('campaign.counts', countsEvent(8));
    await send('campaign.counts', countsEvent(9));
    // The very same object: nothing of it has changed.
    expect(store.get().byId.get('1')).toBe(before);

    await send('campaign.counts', countsEvent(10));
    await send('campaign.updated', { campaignId: '1', name: 'new', version: 6 });
    await send('campaign.status_changed', {
      campaignId: '1',
      from: 'in_progress',
      to: 'finished',
      reason,
      version: 7,
    });
    expect(store.get().byId.get('1')).toMatchObject({
      name: 'new',
      status: 'finished',
      statusReason: reason,
      finishedAt: at,
      counts: { answered: 10, total: 10 },
      activeAttempts: 10,
      countsVersion: 10,
      version: 7,
    });
  });

  test('adds created campaigns as the newest and forgets deleted ones', async ({ server, following }) => {
    const client = following.client();
    const store = campaignsStore(client);
    const send = begin(await server.asked(), { campaigns: [campaign('2'), campaign('1')] }, store);
    const reason = { code: 'created', message: 'Created.', actor: 'Ada', at: '2026-10-01T08:59:59.000Z' };
    await send('campaign.created', { campaignId: '3', name: 'Third', version: 1, reason });
    expect(store.get().campaigns.map(({ id }) => id)).toEqual(['3', '2', '1']);
    expect(store.get().campaigns[0]).toEqual({
      id: '3',
      name: 'Third',
      status: 'draft',
      statusReason: reason,
      version: 1,
      counts: counts(0, 0),
      activeAttempts: 0,
      countsVersion: 0,
      createdAt: reason.at,
      startedAt: null,
      finishedAt: null,
    });
    await send('campaign.deleted', { campaignId: '2', version: 6 });
    // Of a campaign that it does not have, such as one beyond the snapshot, nothing is made up.
    await send('campaign.updated', { campaignId: '0', name: 'unknown', version: 2 });
    expect(store.get().campaigns.map(({ id }) => id)).toEqual(['3', '1']);
  });
});

describe('the store of a campaign', () => {
  const underWay = {
    id: 'a',
    campaignId: '1',
    phone: '+12025550101',
    status: 'planned',
    attempts: 1,
    attempt: { number: 1, state: 'ringing', since: at },
    version: 3,
  };
  const attemptEvent = (callId: string, state: string, version: number, number = 1) => ({
    callId,
    campaignId: '1',
    phone: '+12025550102',
    number,
    state,
    trunkId: 't',
    version,
  });
  const callEvent = (callId: string, to: string, version: number) => ({
    callId,
    campaignId: '1',
    phone: '+12025550102',
    from: 'planned',
    to,
    reason: null,
    attempts: 1,
    nextAttemptAt: null,
    version,
  });

  test('follows its calls from dialing to their end', async ({ server, following }) => {
    const client = following.client();
    const store = campaignStore(client, '1');
    const send = begin(await server.asked(), { campaign: campaign('1'), calls: [underWay] }, store);
    const calls = () =>
      [...store.get().calls.values()].map(({ id, status, phone, attempt }) => [
        id,
        status,
        phone,
        attempt.state,
      ]);
    await send('attempt.changed', attemptEvent('a', 'dialing', 2));
    expect(calls()).toEqual([['a', 'planned', '+12025550101', 'ringing']]);
    await send('attempt.changed', attemptEvent('b', 'dialing', 2, 2));
    expect(calls()[1]).toEqual(['b', 'retry_scheduled', '+12025550102', 'dialing']);
    // Both events of one change have its version.
    await send('attempt.changed', attemptEvent('b', 'answered', 3, 2));
    await send('call.status_changed', callEvent('b', 'in_progress', 3));
    expect(calls()[1]).toEqual(['b', 'in_progress', '+12025550102', 'answered']);
    await send('call.status_changed', callEvent('b', 'planned', 2));
    expect(calls()[1]?.[1]).toBe('in_progress');
    await send('attempt.changed', attemptEvent('a', 'failed', 4));
    await send('call.status_changed', callEvent('a', 'retry_scheduled', 4));
    expect(calls().map(([id]) => id)).toEqual(['b']);
    await send('attempt.changed', attemptEvent('b', 'completed', 4, 2));
    // A call that only changes its status while it waits is not under way.
    await send('call.status_changed', callEvent('c', 'not_dialed', 2));
    expect(calls()).toEqual([]);
  });

  test('has no calls in latest mode, where nobody tells of their end', async ({ server, following }) => {
    const client = following.client();
    const store = campaignStore(client, '1', { mode: 'latest' });
    const asked = await server.asked();
    expect(asked.body.mode).toBe('latest');
    const send = begin(asked, { campaign: campaign('1'), calls: [underWay] }, store);
    await send('campaign.counts', { campaignId: '1', counts: counts(0, 3), activeAttempts: 4, version: 12 });
    expect(store.get()).toMatchObject({ campaign: { counts: { answered: 3 }, activeAttempts: 4 } });
    expect(store.get().calls.size).toBe(0);
  });

  test('lets imports and the events of others be', async ({ server, following }) => {
    const client = following.client();
    const store = campaignStore(client, '1');
    const send = begin(await server.asked(), { campaign: campaign('1'), calls: [underWay] }, store);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    const before = store.get();
    await send('import.progress', { importId: 'i', campaignId: '1', status: 'running', rows: 1 });
    await send('something.new', { what: 'ever' });
    expect(store.get()).toBe(before);
  });

  test('says that its campaign is gone', async ({ server, following }) => {
    const client = following.client();
    const store = campaignStore(client, '1');
    const send = begin(await server.asked(), { campaign: campaign('1'), calls: [] }, store);
    await send('campaign.deleted', { campaignId: '1', version: 6 });
    expect(store.get()).toMatchObject({ freshness: 'live', campaign: null });
  });
});

describe('a saved store', () => {
  const saved = async ({ server, following }: { server: FakeServer; following: Following }) => {
    const first = following.client();
    const store = campaignStore(first, '1');
    expect(store.save()).toBeNull();
    const underWay = { id: 'a', phone: '+1', status: 'planned', version: 3 };
    const attempt = { number: 1, state: 'ringing', since: at };
    const send = begin(
      await server.asked(),
      { campaign: campaign('1'), calls: [{ ...underWay, attempt }] },
      store,
    );
    await send('campaign.updated', { campaignId: '1', name: 'Renamed', version: 6 });
    const state = JSON.parse(JSON.stringify(store.save())) as SavedState;
    const view = store.get();
    first.close();
    return { state, view };
  };

  test('is shown as stale after a reload, and goes on from its cursor', async ({ server, following }) => {
    const { state, view } = await saved({ server, following });
    const store = campaignStore(following.client(), '1', { restore: state });
    expect(store.get()).toMatchObject({ freshness: 'stale', campaign: view.campaign });
    expect(store.get().calls).toEqual(view.calls);
    const asked = await server.asked();
    expect(asked.body.cursor).toEqual({ epoch, seq: 11 });
    recovered(asked);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    expect(store.get()).toMatchObject({ campaign: { name: 'Renamed' }, subscription: { code: 'recovered' } });
    expect(store.get().calls.get('a')).toEqual(view.calls.get('a'));
  });

  test('gives way to a snapshot when the log has gone on without it', async ({ server, following }) => {
    const { state } = await saved({ server, following });
    const gaps: Gap[] = [];
    const store = campaignStore(following.client(), '1', { restore: state, onGap: (gap) => gaps.push(gap) });
    const asked = await server.asked();
    begin(asked, { campaign: campaign('1', { name: 'Anew', version: 9 }), calls: [] }, store);
    await until(() => store.get().freshness === 'live', { withinMs: 5_000, what: 'live' });
    expect(store.get()).toMatchObject({ campaign: { name: 'Anew' } });
    expect(store.get().calls.size).toBe(0);
    expect(gaps).toMatchObject([{ cause: 'not_recovered', after: { seq: 11 } }]);
  });

  test.for<[string, (state: SavedState) => unknown]>([
    ['of another topic', (state) => ({ ...state, topic: 'campaign:2' })],
    ['of another server', (state) => ({ ...state, url: 'http://other.example.com/' })],
    ['of another mode', (state) => ({ ...state, mode: 'latest' })],
    ['of another version', (state) => ({ ...state, version: 0 })],
    ['without a cursor', (state) => ({ ...state, cursor: null })],
    ['with half a cursor', (state) => ({ ...state, cursor: { epoch: 'e1' } })],
    ['with another state', (state) => ({ ...state, state: { campaign: {}, calls: [] } })],
    ['with calls that are none', (state) => ({ ...state, state: { campaign: null, calls: [1] } })],
    ['without state', (state) => ({ ...state, state: undefined })],
    ['that is text', (state) => JSON.stringify(state)],
    ['that is null', () => null],
  ])('%s is passed over', async ([, change], { server, following }) => {
    const { state } = await saved({ server, following });
    const store = campaignStore(following.client(), '1', { restore: change(state) });
    expect(store.get()).toMatchObject({ freshness: 'loading', campaign: null });
    expect((await server.asked()).body.cursor).toBeUndefined();
  });

  test('of all campaigns comes back with them', async ({ server, following }) => {
    const first = campaignsStore(following.client());
    const send = begin(await server.asked(), { campaigns: [campaign('2'), campaign('1')] }, first);
    await send('campaign.deleted', { campaignId: '1', version: 7 });
    const state: unknown = JSON.parse(JSON.stringify(first.save()));
    const store = campaignsStore(following.client(), { restore: state });
    expect(store.get().campaigns).toEqual(first.get().campaigns);
    expect(store.get().byId.get('2')).toMatchObject({ name: 'Campaign 2' });
    expect((await server.asked()).body.cursor).toEqual({ epoch, seq: 11 });
    expect(
      campaignsStore(following.client(), { restore: { ...(state as object), state: [{}] } }).get(),
    ).toMatchObject({
      freshness: 'loading',
      campaigns: [],
    });
  });
});
