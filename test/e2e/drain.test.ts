import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { startStack, type Stack } from '../support/stack.js';
import { expectWhole, finished, setScene } from './far-end.js';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ drainSeconds: 20 });
}, 120_000);

afterAll(() => stack.stop(), 60_000);

test(
  'a dialer that is told to stop cancels what rings and lets conversations end',
  { timeout: 120_000 },
  async () => {
    const calls = 60;
    const scene = await setScene(stack, { calls, callsPerSecond: 20, ringMs: 1_000, holdSeconds: 3 });
    const states = async () => {
      const { rows } = await stack.db.query<{ state: string; count: number }>(
        'select state, count(*)::int from attempts where campaign_id = $1 group by 1',
        [scene.campaignId],
      );
      return new Map(rows.map((row) => [row.state, row.count]));
    };
    try {
      await until(async () => ((await states()).get('answered') ?? 0) >= 5, {
        withinMs: 20_000,
        what: 'some talk',
      });
      const pid = stack.pid('dialer');
      const talking = (await states()).get('answered') ?? 0;
      stack.kill('dialer', 'SIGTERM');
      await stack.restarted('dialer', pid);
      expect(stack.exitOf('dialer', pid)).toEqual({ code: 0, signal: null });
      const { rows } = await stack.db.query<{ cut: number; canceled: number; lost: number }>(
        `select count(*) filter (where state = 'completed' and talk_ms < 2900)::int as cut,
          count(*) filter (where state = 'canceled' and not charged)::int as canceled,
          count(*) filter (where disposition = 'lost')::int as lost
        from attempts where campaign_id = $1`,
        [scene.campaignId],
      );
      // Each conversation had the three seconds that its bot takes.
      expect(rows).toEqual([{ cut: 0, canceled: expect.any(Number), lost: 0 }]);
      expect(rows[0]?.canceled).toBeGreaterThan(0);
      expect((await states()).get('completed')).toBeGreaterThanOrEqual(talking);
      await finished(stack, scene.campaignId, 60_000);
      await expectWhole(stack, scene, calls);
    } finally {
      await scene.end();
    }
  },
);

test('two dialers share a campaign and keep its limits together', { timeout: 120_000 }, async () => {
  await stack.addDialer('second dialer');
  const calls = 120;
  const scene = await setScene(stack, {
    calls,
    callsPerSecond: 30,
    ringMs: 300,
    holdSeconds: 1,
    maxConcurrent: 10,
  });
  let most = 0;
  let done = false;
  try {
    const watching = (async () => {
      while (!done) most = Math.max(most, (await scene.sipp.calls()).open);
    })();
    await finished(stack, scene.campaignId, 90_000);
    done = true;
    await watching;
    const { rows } = await stack.db.query<{ dialers: number; at_once: number }>(
      `select count(distinct dialer_id)::int as dialers,
          max((select count(*)::int from attempts b where b.campaign_id = a.campaign_id
            and b.started_at <= a.started_at and b.ended_at > a.started_at)) as at_once
        from attempts a where campaign_id = $1`,
      [scene.campaignId],
    );
    expect(rows[0]?.dialers).toBe(2);
    expect(rows[0]?.at_once).toBeLessThanOrEqual(10);
    expect(most).toBeLessThanOrEqual(10);
    await expectWhole(stack, scene, calls);
  } finally {
    done = true;
    await scene.end();
  }
});
