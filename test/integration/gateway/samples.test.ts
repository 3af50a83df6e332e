import { until } from '@dialstream/shared/embedded/waiting.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import { WebSocket } from 'ws';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { CuttingProxy } from './cutting-proxy.js';
import { expect, test, vi, type Live } from './live.js';

/** The code that the page of the documents shows, as a reader would run it. */
async function sample<Module>(name: string): Promise<Module> {
  const file = new URL(`../../../server/documents/samples/${name}`, import.meta.url);
  return (await import(file.href)) as Module;
}

interface WebSocketSample {
  follow(options: {
    url: string;
    topic: string;
    getToken: () => string;
    onSnapshot: (state: unknown) => void;
    onEvent: (event: { seq: number }) => void;
    cursor?: Cursor | null;
  }): { cursor(): Cursor | null; close(): void };
}

interface SocketIoSample {
  print(options: {
    url: string;
    topic: string;
    token: string;
    log: (what: string, value: unknown) => void;
  }): { disconnect(): void };
}

/** A way to two gateways that can be cut, and a campaign to change. */
async function cutAndChanged(live: Live) {
  const { accountId, token } = await live.account();
  const campaignId = await addCampaign(live.db, accountId);
  const { outbox } = await live.publishing();
  const urls = [(await live.gateway()).url, (await live.gateway()).url];
  const proxy = new CuttingProxy(
    urls.map((url) => Number(new URL(url).port)),
    Math.random,
  );
  live.defer(() => proxy.close());
  const change = (times: number): Promise<void> => rename(outbox, { accountId, campaignId, times });
  return { token, topic: `campaign:${campaignId}`, proxy, url: await proxy.start(), change };
}

test('the WebSocket client of the page gets each event once, through cuts and from a kept cursor', async ({
  live,
}) => {
  const shown = await sample<WebSocketSample>('web-socket.js');
  vi.stubGlobal('WebSocket', WebSocket);
  live.defer(() => vi.unstubAllGlobals());
  const { token, topic, proxy, url, change } = await cutAndChanged(live);
  const snapshots: unknown[] = [];
  const seqs: number[] = [];
  const start = (cursor: Cursor | null) =>
    shown.follow({
      url,
      topic,
      cursor,
      getToken: () => token,
      onSnapshot: (state) => snapshots.push(state),
      onEvent: ({ seq }) => seqs.push(seq),
    });
  const came = (count: number): Promise<true> =>
    until(() => seqs.length >= count, { withinMs: 15_000, what: `${count} events` });

  const first = start(null);
  live.defer(() => first.close());
  await until(() => snapshots.length === 1, { withinMs: 15_000, what: 'a snapshot' });
  for (const round of range(1, 3)) {
    await change(5);
    proxy.cut(1);
    await change(5);
    await came(10 * round);
  }
  first.close();
  await change(5);
  const second = start(first.cursor());
  live.defer(() => second.close());
  await came(35);
  expect(seqs).toEqual(range(1, 35));
  expect(snapshots).toHaveLength(1);
  expect(proxy.cuts).toBeGreaterThanOrEqual(3);
});

test('the Socket.IO client of the page loses no event when its connection is cut', async ({ live }) => {
  const shown = await sample<SocketIoSample>('socket-io.js');
  const { token, topic, proxy, url, change } = await cutAndChanged(live);
  const printed: string[] = [];
  const socket = shown.print({ url, topic, token, log: (what) => printed.push(what) });
  live.defer(() => socket.disconnect());
  const came = (count: number): Promise<true> =>
    until(() => printed.length >= count, { withinMs: 20_000, what: `${count} lines` });

  await came(1);
  await change(3);
  await came(4);
  proxy.cut(1);
  await change(3);
  await came(7);
  expect(printed).toEqual(['snapshot', ...range(1, 6).map(() => 'campaign.updated')]);
});
