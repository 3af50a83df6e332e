import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, lostAttempts, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, 180_000);

afterAll(() => stack.stop(), 60_000);

test(
  'a dialer that is killed again and again loses no call and rings nobody too often',
  { timeout: 240_000 },
  async () => {
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 100_000);
    process.stdout.write(`TEST_SEED=${seed}\n`);
    const random = seeded(seed);
    const calls = 500;
    const scene = await setScene(stack, { calls, callsPerSecond: 40 });
    try {
      for (let kill = 0; kill < 4; kill += 1) {
        // The moment is the point: anywhere between a claim and an end.
        await delay(1_000 + random() * 2_500);
        const pid = stack.pid('dialer');
        stack.kill('dialer');
        await stack.restarted('dialer', pid);
      }
      await finished(stack, scene.campaignId, 180_000);
      await expectWhole(stack, scene, calls);
      // It was killed in the middle of something, else this has shown nothing.
      expect(await lostAttempts(stack, scene.campaignId)).toBeGreaterThan(0);
    } finally {
      await scene.end();
    }
  },
);

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
