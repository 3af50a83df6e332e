import { fileURLToPath } from 'node:url';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { rename } from '../../integration/gateway/changes.js';
import { transports } from '../../integration/gateway/raw-client.js';
import { expect, test } from '../../support/fixtures.js';
import { Killable } from '../../support/killable.js';
import type { CrowdOrder, CrowdReport } from './crowd-process.js';
import { Scene } from './scene.js';

const crowdScript = fileURLToPath(new URL('../../dist/test/e2e/live/crowd-process.js', import.meta.url));
const size = 5_000;
const burst = 50;

test(
  'one gateway serves 5,000 Socket.IO and 5,000 WebSocket subscribers',
  { timeout: 120_000 },
  async ({ adminUrl, log }) => {
    const scene = await Scene.start({ adminUrl, log, seed: 1, campaigns: 1, gateways: 1 });
    const reports = new Map<string, CrowdReport>();
    const crowds = transports.map((transport) => {
      const order: CrowdOrder = {
        transport,
        port: scene.ports[0] ?? 0,
        token: scene.token,
        topic: 'campaigns',
        size,
      };
      return new Killable({
        name: `crowd over ${transport}`,
        script: crowdScript,
        args: [JSON.stringify(order)],
        onMessage: (report) => void reports.set(transport, report as CrowdReport),
      });
    });
    const all = async (what: string, check: (report: CrowdReport) => boolean): Promise<void> => {
      const isSo = (): boolean => {
        for (const { faults } of reports.values()) if (faults.length > 0) throw new Error(faults.join('; '));
        return reports.size === crowds.length && [...reports.values()].every(check);
      };
      await until(isSo, { withinMs: 50_000, what });
    };
    try {
      await Promise.all(crowds.map((crowd) => crowd.start()));
      await all('all are subscribed', ({ subscribed }) => subscribed === size);
      const [campaignId = ''] = scene.campaignIds;
      await rename(scene.outbox, { accountId: scene.accountId, campaignId, times: burst });
      await all('all have all events', ({ events }) => events >= burst);
      const whole = { subscribed: size, events: burst, faults: [] };
      expect([...reports.values()]).toEqual(crowds.map(() => whole));
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.kill()));
      await scene.close();
    }
  },
);
