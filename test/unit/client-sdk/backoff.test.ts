import { fullJitter } from '@dialstream/client-sdk';
import { describe, expect, test } from 'vitest';

describe('full jitter', () => {
  test('doubles its ceiling up to the cap', () => {
    const policy = fullJitter({ baseMs: 100, capMs: 1_000, random: () => 1 });
    expect([1, 2, 3, 4, 5, 50, 5_000].map((failures) => policy.delayMs(failures))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
  });

  test('may wait any time below it', () => {
    expect(fullJitter({ baseMs: 100, random: () => 0 }).delayMs(4)).toBe(0);
    expect(fullJitter({ baseMs: 100, random: () => 0.5 }).delayMs(1)).toBe(50);
  });
});
