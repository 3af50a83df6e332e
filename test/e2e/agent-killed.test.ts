import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, killWhenCalled, lostAttempts, setScene } from './far-end.js';

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
      await killWhenCalled(stack, scene, 'sip-agent', [40, 100]);
      await finished(stack, scene.campaignId, 180_000);
      await expectWhole(stack, scene, calls);
      expect(await lostAttempts(stack, scene.campaignId)).toBeGreaterThan(0);
    } finally {
      await scene.end();
    }
  },
);
