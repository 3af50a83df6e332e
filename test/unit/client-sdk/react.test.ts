import { drawn } from './dom.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import {
  DialstreamProvider,
  useCampaign,
  useCampaigns,
  useConnectionState,
  useLiveClient,
  useSystem,
} from '@dialstream/client-sdk/react';
import type { LiveClient } from '@dialstream/client-sdk';
import { createElement as h, StrictMode, type FunctionComponent, type ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import type { Asked } from './fake-server.js';
import { describe, epoch, expect, recovered, test, withSnapshot } from './following.js';
import { begin, campaign, counts, cursor } from './store-records.js';

const within = (client: LiveClient | null, ...children: ReactNode[]) =>
  h(StrictMode, null, h(DialstreamProvider, { client }, ...children));

const Campaigns: FunctionComponent = () => {
  const { campaigns, freshness } = useCampaigns();
  return h('p', null, `${freshness}: ${campaigns.map(({ name }) => name).join()};`);
};

const Campaign: FunctionComponent<{ id: string | null; mode?: 'stream' | 'latest' }> = ({ id, mode }) => {
  const view = useCampaign(id, mode && { mode });
  return h('p', null, `${view.freshness}: ${view.campaign?.counts.answered ?? '-'} ${view.calls.size};`);
};

async function drawnUntil(isSo: () => boolean, what: string): Promise<void> {
  await until(isSo, { withinMs: 10_000, what });
}

function campaignSnapshot({ answer, body }: Asked, id: string): void {
  answer({
    ok: true,
    topic: body.topic,
    recovered: false,
    cursor,
    snapshot: { campaign: campaign(id), calls: [] },
  });
}

test('campaigns are drawn and drawn again with each change', async ({ server, following }) => {
  const page = drawn(within(following.client(), h(Campaigns)));
  expect(page.text()).toBe('loading: ;');
  const place = { cursor: null as { seq: number } | null };
  const asked = await server.asked();
  expect(asked.body).toEqual({ topic: 'campaigns' });
  void begin(
    asked,
    { campaigns: [campaign('1')] },
    place,
  )('campaign.created', {
    campaignId: '2',
    name: 'Second',
    version: 1,
  }).catch(() => undefined);
  await drawnUntil(() => page.text() === 'live: Second,Campaign 1;', 'both campaigns');
  expect(page.faults).toEqual([]);
  // In strict mode everything is mounted twice; the server is asked once all the same.
  expect(server.left).toBe(0);
  expect(server.unsubscribed).toEqual([]);
  page.remove();
});

test('components that show the same share one subscription', async ({ server, following }) => {
  const client = following.client();
  const page = drawn(within(client, h(Campaign, { id: '1' }), h(Campaign, { id: '1' })));
  const asked = await server.asked();
  expect(asked.body).toEqual({ topic: 'campaign:1' });
  campaignSnapshot(asked, '1');
  await drawnUntil(() => page.text() === 'live: 1 0;live: 1 0;', 'both');
  page.draw(within(client, h(Campaign, { id: '1' }), h(Campaign, { id: '1' }), h(Campaign, { id: '1' })));
  expect(page.text()).toBe('live: 1 0;live: 1 0;live: 1 0;');
  expect(server.left).toBe(0);
  page.remove();
});

test('a subscription outlives its component for a moment, and ends after it', async ({
  server,
  following,
}) => {
  const client = following.client();
  const page = drawn(within(client, h(Campaigns)));
  withSnapshot(await server.asked(), 0);
  await drawnUntil(() => page.text() === 'live: ;', 'live');
  page.draw(within(client));
  page.draw(within(client, h(Campaigns)));
  expect(page.text()).toBe('live: ;');
  page.draw(within(client));
  await drawnUntil(() => server.unsubscribed.length === 1, 'the end of the subscription');
  expect(server.left).toBe(0);
  page.draw(within(client, h(Campaigns)));
  expect(page.text()).toBe('loading: ;');
  withSnapshot(await server.asked(), 0);
  await drawnUntil(() => page.text() === 'live: ;', 'live again');
  page.remove();
});

test('a subscription that is used again in that moment does not end', async ({ server, following }) => {
  const client = following.client();
  const page = drawn(within(client, h(Campaigns), h(Campaign, { id: '1' })));
  withSnapshot(await server.asked(), 0);
  campaignSnapshot(await server.asked(), '1');
  await drawnUntil(() => page.text() === 'live: ;live: 1 0;', 'live');
  page.draw(within(client, null, h(Campaign, { id: '1' })));
  page.draw(within(client, h(Campaigns), h(Campaign, { id: '1' })));
  page.draw(within(client, h(Campaigns)));
  // It was left later than the other, whose end would have come before this.
  await drawnUntil(() => server.unsubscribed.includes('campaign:1'), 'the end of the other');
  expect(server.unsubscribed).toEqual(['campaign:1']);
  expect(page.text()).toBe('live: ;');
  page.remove();
});

test('another id is another subscription, and null is none', async ({ server, following }) => {
  const client = following.client();
  const page = drawn(within(client, h(Campaign, { id: null })));
  expect(page.text()).toBe('loading: - 0;');
  page.draw(within(client, h(Campaign, { id: '1' })));
  campaignSnapshot(await server.asked(), '1');
  await drawnUntil(() => page.text() === 'live: 1 0;', 'the first');
  page.draw(within(client, h(Campaign, { id: '2' })));
  expect(page.text()).toBe('loading: - 0;');
  const second = await server.asked();
  expect(second.body.topic).toBe('campaign:2');
  second.answer({ ok: false, code: 'not_found' });
  await drawnUntil(() => page.text() === 'refused: - 0;', 'the second');
  await drawnUntil(() => server.unsubscribed.includes('campaign:1'), 'the end of the first');
  page.remove();
});

test('the mode is that of the subscription', async ({ server, following }) => {
  const page = drawn(within(following.client(), h(Campaign, { id: '1', mode: 'latest' })));
  const asked = await server.asked();
  expect(asked.body).toEqual({ topic: 'campaign:1', mode: 'latest' });
  const place = { cursor: null };
  const data = { campaignId: '1', counts: counts(0, 8), activeAttempts: 0, version: 10 };
  void begin(
    asked,
    { campaign: campaign('1'), calls: [] },
    place,
  )('campaign.counts', data).catch(() => undefined);
  await drawnUntil(() => page.text() === 'live: 8 0;', 'the counts');
  page.remove();
});

test('the system and the connection are drawn, too', async ({ server, following }) => {
  const System: FunctionComponent = () => {
    const { dialers } = useSystem();
    return h('p', null, `${useConnectionState().code}: ${dialers.map(({ host }) => host).join()};`);
  };
  const page = drawn(within(following.client(), h(System)));
  const asked = await server.asked();
  const snapshot = { trunks: [], dialers: [{ id: 'd', host: 'one', status: 'up' }], account: null };
  asked.answer({ ok: true, topic: 'system', recovered: false, cursor: { epoch, seq: 1 }, snapshot });
  await drawnUntil(() => page.text() === 'connected: one;', 'the dialer');
  server.refusals = ['unavailable', 'unauthorized'];
  asked.socket.cut();
  await drawnUntil(() => page.text() === 'unauthorized: one;', 'the refusal');
  page.remove();
});

test('a lost connection is drawn, and its end', async ({ server, following }) => {
  const page = drawn(within(following.client(), h(Campaigns)));
  const first = await server.asked();
  withSnapshot(first, 3);
  await drawnUntil(() => page.text() === 'live: ;', 'live');
  first.socket.cut();
  await drawnUntil(() => page.text() === 'stale: ;', 'stale');
  recovered(await server.asked());
  await drawnUntil(() => page.text() === 'live: ;', 'live again');
  page.remove();
});

describe('without a client', () => {
  test('everything is shown as it is before a connection', async () => {
    const State: FunctionComponent = () =>
      h('p', null, `${useConnectionState().code}, ${useLiveClient() === null ? 'none' : 'one'}`);
    const page = drawn(within(null, h(Campaigns), h(State)));
    expect(page.text()).toBe('loading: ;connecting, none');
    page.remove();
  });

  test('that is open everything is shown as closed', async ({ following }) => {
    const client = following.client();
    client.close();
    const page = drawn(within(client, h(Campaigns), h(Campaign, { id: '1' })));
    expect(page.text()).toBe('closed: ;closed: - 0;');
    page.remove();
  });

  test.for([
    ['useCampaigns', Campaigns],
    ['useLiveClient', () => h('p', null, typeof useLiveClient())],
  ] as const)('or provider %s throws', async ([, component]) => {
    const page = drawn(h(component));
    expect(page.faults).toMatchObject([{ message: expect.stringContaining('DialstreamProvider') as string }]);
    page.remove();
  });

  test('of a provider the one of the option is taken', async ({ server, following }) => {
    const client = following.client();
    const Own: FunctionComponent = () => h('p', null, useCampaigns({ client }).freshness);
    const page = drawn(h(Own));
    withSnapshot(await server.asked(), 0);
    await drawnUntil(() => page.text() === 'live', 'live');
    page.remove();
  });
});

test('a server draws without subscribing, and the browser goes on from what it drew', async ({
  server,
  following,
}) => {
  const client = following.client();
  const node = within(client, h(Campaigns), h(Campaign, { id: '1' }));
  const html = renderToString(node);
  expect(html).toContain('loading: ;');
  await drawnUntil(() => client.state.status === 'connected', 'connected');
  expect(server.left).toBe(0);
  // What another part of the page shows already is no reason to differ from what the server drew.
  const other = drawn(within(client, h(Campaigns)));
  withSnapshot(await server.asked(), 0);
  await drawnUntil(() => other.text() === 'live: ;', 'live');
  const page = drawn(node, html);
  await drawnUntil(() => page.text().startsWith('live: ;'), 'live, too');
  expect(page.faults).toEqual([]);
  page.remove();
  other.remove();
});
