import { afterAll, beforeAll, test } from 'vitest';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop(), 60_000);

test(
  'Postgres may be killed in the middle of a campaign: nothing is lost and no event comes twice',
  { timeout: 180_000 },
  async () => {
    const calls = 200;
    const scene = await setScene(stack, { calls, callsPerSecond: 20 });
    try {
      for (const answered of [30, 90]) {
        await until(async () => (await scene.sipp.invites()).size >= answered, {
          withinMs: 60_000,
          what: `${answered} numbers were called`,
        });
        const pid = stack.pid('postgres');
        stack.kill('postgres');
        await stack.restarted('postgres', pid);
      }
      await finished(stack, scene.campaignId, 120_000);
      await expectWhole(stack, scene, calls);
    } finally {
      scene.subscriber.close();
      await scene.sipp.stop();
    }
  },
);
