import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop(), 60_000);

test(
  'a SIP agent that is killed leaves no call open at the far end, and none is lost',
  { timeout: 240_000 },
  async () => {
    const calls = 150;
    // Half of the time they ring, half of it they talk, so that the kill meets both.
    const scene = await setScene(stack, { calls, callsPerSecond: 20, ringMs: 1_500, holdSeconds: 1.5 });
    try {
      for (const called of [40, 100]) {
        await until(async () => (await scene.sipp.invites()).size >= called, {
          withinMs: 90_000,
          what: `${called} numbers were called`,
        });
        const pid = stack.pid('sip-agent');
        stack.kill('sip-agent');
        await stack.restarted('sip-agent', pid);
      }
      await finished(stack, scene.campaignId, 180_000);
      await expectWhole(stack, scene, calls);
      const { rows } = await stack.db.query<{ lost: number }>(
        `select count(*)::int as lost from attempts where campaign_id = $1 and rule in ('dialer-lost', 'lost-while-talking')`,
        [scene.campaignId],
      );
      expect(rows[0]?.lost).toBeGreaterThan(0);
    } finally {
      scene.subscriber.close();
      await scene.sipp.stop();
    }
  },
);
