import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { startSipp, type Sipp } from '../support/sipp.js';
import { startStack, type Stack } from '../support/stack.js';
import { print, processUse, round, type ProcessUse } from './figures.js';
import { subscribeAll } from './subscriber.js';

const holdSeconds = 1;
const bareSeconds = 20;
/** Calls open at once in the runs without a pace: about a second of calls, and what rings. */
const atOnce = 700;

/**
 * `dial`: calls per second through the whole of Dialstream (Postgres, Redis, agent, dialer, server and one
 * subscriber) to sipp (180, 200, BYE by us after 1 s), all on this machine: at a fixed pace for 60 s, and as
 * fast as it goes beside a bare drachtio-srf loop through the same agent, in the same run.
 */
export async function benchDial(pace: number): Promise<void> {
  const stack = await startStack({ logLevel: 'warn' });
  const sipp = await startSipp({
    scenario: 'answer',
    port: await freePort('127.0.0.1'),
    values: { ringMs: 10 },
  });
  try {
    const bare = await runBare(stack, sipp);
    const trunkIds = [await addTrunk(stack, sipp)];
    await runCampaign(stack, sipp, { name: 'paced', trunkIds, calls: pace * 60, perSecond: pace });
    const full = await runCampaign(stack, sipp, {
      name: 'unpaced',
      trunkIds,
      calls: pace * 30,
      perSecond: 10_000,
    });
    print('dial', { ratioToBare: round(full / bare) });
  } finally {
    await sipp.stop();
    await stack.stop();
  }
}

async function runBare(stack: Stack, sipp: Sipp): Promise<number> {
  const script = path.resolve('test/dist/test/bench/bare-srf.js');
  const before = use(stack, sipp);
  const args = [process.env['DRACHTIO_PORT'], 'test', sipp.port, atOnce, bareSeconds, holdSeconds].map(
    String,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args]);
  const after = use(stack, sipp);
  const result = JSON.parse(stdout) as {
    placed: number;
    failed: number;
    seconds: number;
    cpuSeconds: number;
  };
  const perSecond = result.placed / result.seconds;
  print('dial', {
    run: 'bare drachtio-srf',
    calls: result.placed,
    failed: result.failed,
    callsPerSecond: round(perSecond, 1),
    cpuSecondsPer1000: {
      bare: round((result.cpuSeconds * 1_000) / result.placed, 3),
      ...perThousand(before, after, result.placed, ['sip-agent', 'sipp']),
    },
  });
  return perSecond;
}

export async function addTrunk(stack: Stack, sipp: Sipp): Promise<string> {
  const { id } = await stack.api<{ id: string }>('POST', '/v1/trunks', {
    name: 'sipp',
    host: '127.0.0.1',
    port: sipp.port,
    callerIds: ['+12025550100'],
    maxConcurrent: 5_000,
    callsPerSecond: 10_000,
  });
  return id;
}

interface CampaignRun {
  name: string;
  trunkIds: string[];
  calls: number;
  perSecond: number;
}

export async function createCampaign(stack: Stack, run: CampaignRun): Promise<string> {
  const { id } = await stack.api<{ id: string }>('POST', '/v1/campaigns', {
    name: run.name,
    trunkIds: run.trunkIds,
    pacing: { callsPerSecond: run.perSecond, maxConcurrent: run.perSecond > 5_000 ? atOnce : 5_000 },
    retry: { maxAttempts: 1 },
    bot: { type: 'hold', seconds: holdSeconds },
  });
  for (let first = 0; first < run.calls; first += 5_000) {
    const count = Math.min(5_000, run.calls - first);
    const calls = Array.from({ length: count }, (_, i) => ({ phone: `+1202${5_550_000 + first + i}` }));
    await stack.api('POST', `/v1/campaigns/${id}/calls`, { calls });
  }
  return id;
}

/** Gives the calls per second, from the first attempt to the last one's end. */
async function runCampaign(stack: Stack, sipp: Sipp, run: CampaignRun): Promise<number> {
  const id = await createCampaign(stack, run);
  const subscriber = await subscribeAll(stack, `campaign:${id}`);
  const before = use(stack, sipp);
  await stack.api('POST', `/v1/campaigns/${id}/schedule`, {});
  await finished(stack, id, run.calls / Math.min(run.perSecond, 100) + 60);
  const after = use(stack, sipp);
  const { rows } = await stack.db.query<{ seconds: number; attempts: number; answered: number }>(
    `select extract(epoch from max(a.ended_at) - min(a.started_at))::float8 as seconds, count(*)::int as attempts,
        (select n.answered from campaign_counts n where n.campaign_id = $1) as answered
      from attempts a where a.campaign_id = $1`,
    [id],
  );
  const { seconds = 0, attempts = 0, answered = 0 } = rows[0] ?? {};
  const perSecond = attempts / (seconds - holdSeconds);
  print('dial', {
    run: run.name,
    calls: run.calls,
    failed: run.calls - answered,
    seconds: round(seconds, 1),
    callsPerSecond: round(perSecond, 1),
    cpuSecondsPer1000: perThousand(before, after, attempts, [...after.keys()]),
    memoryMb: Object.fromEntries([...after].map(([name, { memoryMb }]) => [name, round(memoryMb, 0)])),
    events: subscriber.events(),
    gaps: subscriber.gaps(),
  });
  subscriber.close();
  return perSecond;
}

export async function finished(stack: Stack, campaignId: string, withinSeconds: number): Promise<void> {
  const end = performance.now() + withinSeconds * 1_000;
  for (;;) {
    const { rows } = await stack.db.query<{ status: string }>('select status from campaigns where id = $1', [
      campaignId,
    ]);
    if (rows[0]?.status === 'finished') return;
    if (performance.now() > end) throw new Error(`the campaign did not finish within ${withinSeconds} s`);
    await delay(200);
  }
}

function use(stack: Stack, sipp: Sipp): Map<string, ProcessUse> {
  return new Map([
    ['sip-agent', processUse(stack.pid('sip-agent'))],
    ['dialer', processUse(stack.pid('dialer'))],
    ['server', processUse(stack.pid('server'))],
    ['redis', processUse(stack.pid('redis'))],
    ['postgres', processUse(stack.pid('postgres'), { children: true })],
    ['sipp', processUse(sipp.pid)],
    ['subscriber', processUse(process.pid)],
  ]);
}

function perThousand(
  before: Map<string, ProcessUse>,
  after: Map<string, ProcessUse>,
  calls: number,
  names: string[],
): Record<string, number> {
  return Object.fromEntries(
    names.map((name) => {
      const used = (after.get(name)?.cpuSeconds ?? 0) - (before.get(name)?.cpuSeconds ?? 0);
      return [name, round((used * 1_000) / calls, 3)];
    }),
  );
}
