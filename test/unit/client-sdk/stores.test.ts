import {
  campaignsStore,
  campaignStore,
  connect,
  type Campaign,
  type Counts,
  type LiveClient,
} from '@dialstream/client-sdk';
import { campaignSettings } from '@dialstream/shared/domain/campaign.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { describe, expect, test as base } from 'vitest';
import { FakeServer, type Asked } from './fake-server.js';

const test = base.extend<{ server: FakeServer; client: LiveClient }>({
  // eslint-disable-next-line no-empty-pattern -- vitest wants a pattern here
  server: async ({}, use) => {
    const server = new FakeServer();
    await use(server);
    await server.stop();
  },
  client: async ({ server }, use) => {
    const client = connect({ url: await server.start(), token: 'key' });
    await use(client);
    client.close();
  },
});

const at = '2026-10-01T09:00:00.000Z';
const cursor = { epoch: 'e1', seq: 10 };

function counts(planned: number, answered: number): Counts {
  const others = { completed_without_answer: 0, technical_error: 0, not_dialed: 0, plan_limit_exceeded: 0 };
  return { total: planned + answered, planned, in_progress: 0, retry_scheduled: 0, answered, ...others };
}

function campaign(id: string, more: Partial<Campaign> = {}): Campaign {
  return {
    ...campaignSettings.parse({ name: `Campaign ${id}` }),
    id,
    status: 'in_progress',
    statusReason: { code: 'started', message: '', actor: 'test', at },
    version: 5,
    counts: counts(2, 1),
    activeAttempts: 0,
    countsVersion: 9,
    createdAt: at,
    startedAt: at,
    finishedAt: null,
    ...more,
  };
}

/** Answers a subscribe with a snapshot; gives what sends the events after it, and waits for the store. */
function begin(asked: Asked, snapshot: object, store: { readonly cursor: { seq: number } | null }) {
  const { topic } = asked.body;
  let { seq } = cursor;
  asked.answer({ ok: true, topic, recovered: false, cursor, snapshot });
  return async (type: string, data: object): Promise<void> => {
    seq += 1;
    asked.socket.emit('event', { topic, epoch: cursor.epoch, seq, type, time: at, data });
    await until(() => store.cursor?.seq === seq, { withinMs: 5_000, what: `event ${seq}`, everyMs: 1 });
  };
}

describe('the store of campaigns', () => {
  test('drops what its snapshot held already, and takes what is news', async ({ server, client }) => {
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

  test('adds created campaigns as the newest and forgets deleted ones', async ({ server, client }) => {
    const store = campaignsStore(client);
    const send = begin(await server.asked(), { campaigns: [campaign('2'), campaign('1')] }, store);
    await send('campaign.created', { campaignId: '3', name: 'Third', version: 1 });
    expect(store.get().campaigns.map(({ id }) => id)).toEqual(['3', '2', '1']);
    expect(store.get().campaigns[0]).toMatchObject({ status: 'draft', counts: { total: 0 }, createdAt: at });
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

  test('follows its calls from dialing to their end', async ({ server, client }) => {
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
    expect(calls()[1]).toEqual(['b', 'retry_scheduled', null, 'dialing']);
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

  test('says that its campaign is gone', async ({ server, client }) => {
    const store = campaignStore(client, '1');
    const send = begin(await server.asked(), { campaign: campaign('1'), calls: [] }, store);
    await send('campaign.deleted', { campaignId: '1', version: 6 });
    expect(store.get()).toMatchObject({ freshness: 'live', campaign: null });
  });
});
