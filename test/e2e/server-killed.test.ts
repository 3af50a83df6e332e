import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, killWhenCalled, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop(), 60_000);

test(
  'subscribers of a killed server continue at their cursors and miss nothing',
  { timeout: 120_000 },
  async () => {
    const calls = 150;
    const scene = await setScene(stack, { calls, callsPerSecond: 20 });
    try {
      await killWhenCalled(stack, scene, 'server', [30, 90]);
      await finished(stack, scene.campaignId, 60_000);
      await expectWhole(stack, scene, calls);
      // Nothing was announced as missed, so every end of a call was told.
      expect(scene.subscriber.gaps).toBe(0);
      const ended = scene.subscriber.events.filter(
        (event) => event.type === 'call.status_changed' && event.data.to === 'answered',
      );
      expect(ended).toHaveLength(calls);
    } finally {
      await scene.end();
    }
  },
);

test(
  'a campaign is scheduled, paused, resumed and finished while it is watched',
  { timeout: 120_000 },
  async () => {
    const scene = await setScene(stack, { calls: 60, callsPerSecond: 10, ringMs: 1_000, holdSeconds: 2 });
    const path = `/v1/campaigns/${scene.campaignId}`;
    const attempts = async () => {
      const { rows } = await stack.db.query<{ state: string; count: number }>(
        'select state, count(*)::int from attempts where campaign_id = $1 group by 1',
        [scene.campaignId],
      );
      return Object.fromEntries(rows.map((row) => [row.state, row.count])) as Record<string, number>;
    };
    try {
      await until(async () => ((await attempts())['answered'] ?? 0) > 3, {
        withinMs: 20_000,
        what: 'some talk',
      });
      await stack.api('POST', `${path}/pause`);
      await until(async () => !('ringing' in (await attempts())) && !('dialing' in (await attempts())), {
        // sipp takes no CANCEL that crosses its 200; then only the end of our BYE, 64*T1, tells.
        withinMs: 45_000,
        what: 'what rang is cancelled',
      });
      const atPause = await attempts();
      expect(atPause['canceled']).toBeGreaterThan(0);
      await until(async () => !('answered' in (await attempts())), {
        withinMs: 10_000,
        what: 'conversations end',
      });
      // Nobody was charged, and nobody was called since.
      const { rows } = await stack.db.query<{ charged: number }>(
        `select coalesce(sum(charged_attempts), 0)::int as charged from calls
        where campaign_id = $1 and status = 'retry_scheduled'`,
        [scene.campaignId],
      );
      expect(rows[0]?.charged).toBe(0);
      await stack.api('POST', `${path}/resume`);
      const before = (await attempts())['completed'] ?? 0;
      await until(async () => ((await attempts())['completed'] ?? 0) > before, {
        withinMs: 20_000,
        what: 'it goes on',
      });
      await stack.api('POST', `${path}/finish`);
      await finished(stack, scene.campaignId, 10_000);
      await until(
        async () =>
          (
            await stack.db.query('select from attempts where campaign_id = $1 and ended_at is null', [
              scene.campaignId,
            ])
          ).rowCount === 0,
        { withinMs: 20_000, what: 'all is over' },
      );
      await expectWhole(stack, scene, 60);
    } finally {
      await scene.end();
    }
  },
);
