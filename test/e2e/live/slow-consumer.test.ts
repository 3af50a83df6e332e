import { setTimeout as sleep } from 'node:timers/promises';
import { range, rename } from '../../integration/gateway/changes.js';
import { rawClient, transports } from '../../integration/gateway/raw-client.js';
import { expect, test } from '../../support/fixtures.js';
import { Scene } from './scene.js';

const minuteMs = 60_000;
const events = 150;
/** 30 MB in all: several times what the kernel keeps for a connection, and the gateway for it. */
const eventBytes = 200_000;
/** The kernel's buffers hold 4 to 6 MB on Linux, the gateway 2 MiB. */
const keptBytes = 12_000_000;

test(
  'who reads nothing for a minute costs bounded memory and is told; the others notice nothing',
  {
    timeout: 150_000,
  },
  async ({ adminUrl, log }) => {
    const scene = await Scene.start({ adminUrl, log, seed: 1, campaigns: 1, gateways: 1 });
    const { accountId, campaignIds, token, outbox } = scene;
    const [campaignId = ''] = campaignIds;
    const clients = [...transports, ...transports].map((name) => rawClient(name, scene.url(0), token));
    const [fast, slow] = [clients.slice(0, transports.length), clients.slice(transports.length)];
    try {
      await Promise.all(clients.map((client) => client.connected()));
      const acks = await Promise.all(clients.map((client) => client.subscribed('campaigns')));
      const { epoch, seq: before } = acks[0]?.cursor ?? { epoch: '', seq: 0 };
      const all = range(before + 1, before + events);

      const goOn = slow.map((client) => client.hang());
      const minute = sleep(minuteMs);
      for (const n of range(1, events)) {
        await rename(outbox, { accountId, campaignId, padding: 'x'.repeat(eventBytes) });
        for (const client of fast) await client.until('event', () => client.events.length === n);
      }
      await minute;
      for (const go of goOn) go();

      for (const client of slow) {
        await client.until('resync', ({ resyncs }) => resyncs.length > 0);
        expect(client.resyncs).toEqual([{ topic: 'campaigns', code: 'too_slow' }]);
        // What comes before the end of the subscription is all that was ever kept for it.
        const got = client.seqs();
        expect(got).toEqual(all.slice(0, got.length));
        expect(got.length * eventBytes).toBeLessThan(keptBytes);
        const ack = await client.subscribed('campaigns', { epoch, seq: got.at(-1) ?? before });
        expect(ack.recovered).toBe(true);
        await client.until('the rest', ({ events: { length } }) => length === events);
        expect(client.seqs()).toEqual(all);
      }
      for (const client of fast) {
        expect(client.seqs()).toEqual(all);
        expect(client.resyncs).toEqual([]);
        expect(client.isConnected).toBe(true);
      }
    } finally {
      for (const client of clients) client.close();
      await scene.close();
    }
  },
);
