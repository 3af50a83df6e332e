import { connect } from '@dialstream/client-sdk';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import type { LiveEvent } from '@dialstream/shared/events/contract.js';
import { expect } from 'vitest';
import { startSipp, type Sipp } from '../support/sipp.js';
import type { Stack } from '../support/stack.js';
import { countsBothWays } from '../support/records.js';

export interface Scene {
  sipp: Sipp;
  campaignId: string;
  subscriber: Watcher;
  /** Closes the subscriber and the far end. */
  end(): Promise<void>;
}

/** A subscriber that holds every event against its predecessor. */
export interface Watcher {
  /** Events in which `seq` did not follow, or that came twice; gaps that were announced are no faults. */
  faults: string[];
  events: LiveEvent[];
  gaps: number;
  close(): void;
}

export interface SceneOptions {
  calls: number;
  callsPerSecond: number;
  ringMs?: number;
  holdSeconds?: number;
  maxAttempts?: number;
  maxConcurrent?: number;
}

/** A trunk to sipp and a campaign that starts at once, with a subscriber from before its start. */
export async function setScene(stack: Stack, options: SceneOptions): Promise<Scene> {
  const {
    calls,
    callsPerSecond,
    ringMs = 200,
    holdSeconds = 0.5,
    maxAttempts = 1,
    maxConcurrent = 500,
  } = options;
  const sipp = await startSipp({ scenario: 'answer', port: await freePort('127.0.0.1'), values: { ringMs } });
  const trunk = await stack.api<{ id: string }>('POST', '/v1/trunks', {
    name: `sipp ${sipp.port}`,
    host: '127.0.0.1',
    port: sipp.port,
    callerIds: ['+12025550100'],
    maxConcurrent: 1_000,
    callsPerSecond: 1_000,
  });
  const { id: campaignId } = await stack.api<{ id: string }>('POST', '/v1/campaigns', {
    name: 'End to end',
    trunkIds: [trunk.id],
    ringTimeoutSeconds: 5,
    pacing: { callsPerSecond, maxConcurrent },
    retry: {
      maxAttempts,
      afterSeconds: 1,
      rules: {
        lost: { afterSeconds: 1, maxAttempts: 20 },
        trunk_fault: { afterSeconds: 1, maxAttempts: 20 },
      },
    },
    bot: { type: 'hold', seconds: holdSeconds },
  });
  const phones = Array.from({ length: calls }, (_, i) => ({ phone: `+1202${5_550_000 + i}` }));
  await stack.api('POST', `/v1/campaigns/${campaignId}/calls`, { calls: phones });
  const subscriber = await watch(stack, campaignId);
  await stack.api('POST', `/v1/campaigns/${campaignId}/schedule`, {});
  return {
    sipp,
    campaignId,
    subscriber,
    async end() {
      subscriber.close();
      await sipp.stop();
    },
  };
}

/** Kills a part each time so many numbers have been called, and waits until it runs again. */
export async function killWhenCalled(
  stack: Stack,
  { sipp }: Scene,
  part: string,
  called: readonly number[],
): Promise<void> {
  for (const count of called) {
    const isReached = async (): Promise<boolean> => (await sipp.invites()).size >= count;
    await until(isReached, { withinMs: 90_000, what: `${count} numbers were called` });
    const pid = stack.pid(part);
    stack.kill(part);
    await stack.restarted(part, pid);
  }
}

/** Attempts of a campaign that had to be given up because their dialer or SIP server was gone. */
export async function lostAttempts(stack: Stack, campaignId: string): Promise<number> {
  const { rows } = await stack.db.query<{ lost: number }>(
    `select count(*)::int as lost from attempts
      where campaign_id = $1 and rule in ('dialer-lost', 'lost-while-talking')`,
    [campaignId],
  );
  return rows[0]?.lost ?? 0;
}

export async function watch(stack: Stack, campaignId: string): Promise<Watcher> {
  const watcher: Watcher = { faults: [], events: [], gaps: 0, close: () => client.close() };
  let last: { epoch: string; seq: number } | null = null;
  const client = connect({ url: stack.baseUrl, token: stack.adminKey });
  await new Promise<void>((resolve) => {
    client.subscribe(`campaign:${campaignId}`, {
      onSnapshot: (_, cursor) => {
        last = cursor;
        resolve();
      },
      onEvent: (event) => {
        if (last && (event.epoch !== last.epoch || event.seq !== last.seq + 1)) {
          watcher.faults.push(`${event.epoch}:${event.seq} after ${last.epoch}:${last.seq}`);
        }
        last = { epoch: event.epoch, seq: event.seq };
        watcher.events.push(event);
      },
      onGap: () => {
        watcher.gaps += 1;
      },
    });
  });
  return watcher;
}

export async function finished(stack: Stack, campaignId: string, withinMs: number): Promise<void> {
  let last: unknown = 'never read';
  const isFinished = async (): Promise<boolean> => {
    try {
      const campaign = await stack.api<{ status: string }>('GET', `/v1/campaigns/${campaignId}`);
      last = campaign;
      return campaign.status === 'finished';
    } catch (error) {
      // The server or its Postgres may be what the test has hurt.
      last = error;
      return false;
    }
  };
  await until(isFinished, { withinMs, what: 'the campaign is finished', everyMs: 250 }).catch(
    async (error: unknown) => {
      const { rows } = await stack.db.query(
        `select c.status, c.reason, a.state, a.rule, d.status as dialer, count(*)::int, min(a.started_at) as since
          from calls c left join attempts a on a.call_id = c.id and a.number = c.attempts
          left join dialers d on d.id = a.dialer_id
          where c.campaign_id = $1 group by 1, 2, 3, 4, 5`,
        [campaignId],
      );
      throw new Error(`${String(error)}: ${JSON.stringify(last)} ${JSON.stringify(rows)}`, { cause: error });
    },
  );
}

/** What must hold after whatever has happened. */
export async function expectWhole(
  stack: Stack,
  { sipp, campaignId, subscriber }: Scene,
  calls: number,
): Promise<void> {
  const { told, counted } = await countsBothWays(stack.db, campaignId);
  expect(told).toEqual(counted);
  const { rows } = await stack.db.query<{
    phone: string;
    status: string;
    reason: string | null;
    attempts: number;
  }>('select phone, status, reason, attempts from calls where campaign_id = $1', [campaignId]);
  expect(rows).toHaveLength(calls);
  const open = rows.filter(({ status }) => ['planned', 'in_progress', 'retry_scheduled'].includes(status));
  expect(open).toEqual([]);
  expect(rows.filter(({ reason }) => reason === null)).toEqual([]);
  const under = await stack.db.query('select from attempts where campaign_id = $1 and ended_at is null', [
    campaignId,
  ]);
  expect(under.rowCount).toBe(0);

  const invites = await sipp.invites();
  const tooMany = rows.filter(({ phone, attempts }) => (invites.get(phone) ?? 0) > attempts);
  expect(tooMany).toEqual([]);
  // The far end counts its open calls once a second.
  await until(async () => (await sipp.calls()).open === 0, {
    withinMs: 45_000,
    what: 'no call is open at the far end',
  });

  await until(() => subscriber.events.some((event) => finalStatus(event)), {
    // A client that has lost its server waits up to 20 s between two tries.
    withinMs: 30_000,
    what: 'the subscriber is told of the end',
  });
  expect(subscriber.faults).toEqual([]);
  expectOneFinalStatus(subscriber.events);
}

function finalStatus(event: LiveEvent): boolean {
  return event.type === 'campaign.status_changed' && event.data.to === 'finished';
}

const finals = [
  'answered',
  'completed_without_answer',
  'technical_error',
  'not_dialed',
  'plan_limit_exceeded',
];

/** No call that the subscriber was told of became final twice. */
function expectOneFinalStatus(events: LiveEvent[]): void {
  const ended = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'call.status_changed' || !finals.includes(event.data.to)) continue;
    ended.set(event.data.callId, (ended.get(event.data.callId) ?? 0) + 1);
  }
  expect([...ended].filter(([, times]) => times > 1)).toEqual([]);
}
