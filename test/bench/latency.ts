import { freePort } from '@dialstream/shared/embedded/ports.js';
import { startSipp } from '../support/sipp.js';
import { startStack } from '../support/stack.js';
import { addTrunk, createCampaign, finished } from './dial.js';
import { print, quantile, round } from './figures.js';
import { subscribeAll } from './subscriber.js';

const perSecond = 100;

/**
 * `latency`: from the 200 OK's arrival at the dialer (the attempt's `answered_at`, which is the dialer's clock
 * when drachtio-srf hands it over) to the subscriber's callback with the call `in_progress`, at 100 calls/s
 * with everything on this machine. Both clocks are this machine's, to the millisecond.
 */
export async function benchLatency(seconds: number): Promise<void> {
  const stack = await startStack({ logLevel: 'warn' });
  const sipp = await startSipp({
    scenario: 'answer',
    port: await freePort('127.0.0.1'),
    values: { ringMs: 100 },
  });
  try {
    const trunkIds = [await addTrunk(stack, sipp)];
    const run = { name: 'latency', trunkIds, calls: perSecond * seconds, perSecond };
    const id = await createCampaign(stack, run);
    const told = new Map<string, number>();
    const subscriber = await subscribeAll(stack, `campaign:${id}`, (event) => {
      if (event.type !== 'call.status_changed' || event.data.to !== 'in_progress') return;
      told.set(event.data.callId, performance.timeOrigin + performance.now());
    });
    await stack.api('POST', `/v1/campaigns/${id}/schedule`, {});
    await finished(stack, id, seconds + 60);
    const { rows } = await stack.db.query<{ call_id: string; at: number }>(
      `select call_id, (extract(epoch from answered_at) * 1000)::float8 as at from attempts
        where campaign_id = $1 and answered_at is not null`,
      [id],
    );
    subscriber.close();
    const delays = rows.flatMap(({ call_id: callId, at }) => {
      const toldAt = told.get(callId);
      return toldAt === undefined ? [] : [toldAt - at];
    });
    print('latency', {
      callsPerSecond: perSecond,
      calls: run.calls,
      measured: delays.length,
      p50Ms: round(quantile(delays, 0.5), 1),
      p90Ms: round(quantile(delays, 0.9), 1),
      p99Ms: round(quantile(delays, 0.99), 1),
      maxMs: round(Math.max(...delays), 1),
    });
  } finally {
    await sipp.stop();
    await stack.stop();
  }
}
