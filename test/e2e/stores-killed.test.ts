import { afterAll, beforeAll, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, killWhenCalled, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 120_000);

afterAll(() => stack.stop(), 60_000);

test.each(['redis', 'postgres'])(
  '%s may be killed in the middle of a campaign: nothing is lost and no event comes twice',
  { timeout: 180_000 },
  async (part) => {
    const calls = 200;
    const scene = await setScene(stack, { calls, callsPerSecond: 20 });
    try {
      await killWhenCalled(stack, scene, part, [30, 90]);
      await finished(stack, scene.campaignId, 120_000);
      await expectWhole(stack, scene, calls);
    } finally {
      await scene.end();
    }
  },
);
