import { until } from '@dialstream/shared/embedded/waiting.js';
import { withChildren, type Child, type Start } from './live/child.js';
import type { CrowdAnswers, Return } from './live/crowd-process.js';
import type { Pace } from './live/events.js';
import type { GatewayAnswers } from './live/gateway-process.js';
import type { PublisherAnswers } from './live/publisher-process.js';
import { watchOthers } from './live/machine.js';
import { countQueries, type QueryCounter } from './live/query-counter.js';
import { transports, type Transport } from './live/raw-stream.js';
import { startStores, type Stores } from './live/stores.js';
import { print, quantile, round } from './figures.js';

const mixes: Transport[][] = [...transports.map((one) => [one, one]), [...transports]];
/** Published before the gateway is killed, while it is gone, and from the instant on in which all come back. */
const earlier: Pace = { perSecond: 50, seconds: 2 };
const meanwhile: Pace = { perSecond: 150, seconds: 2 };
const later: Pace = { perSecond: 20, seconds: 2 };
const patienceMs = 120_000;
/** Until the last has every event that it missed. */
const goalMs = 10_000;

/**
 * `reconnect`: the gateway of 5,000 subscribers is killed and started again, and all come back in one instant
 * with their cursors, having missed 300 events: over Socket.IO, over WebSocket, and half and half.
 */
export async function benchReconnect(clients: number, only?: Transport): Promise<void> {
  const queries = countQueries('gateway');
  const stores = await startStores(queries);
  let complete = true;
  try {
    for (const mix of mixes) {
      if (only !== undefined && mix.some((one) => one !== only)) continue;
      const run = { stores, queries, mix, clients: 2 * Math.ceil(clients / 2) };
      complete = (await withChildren((start) => killAndReturn(start, run))) && complete;
    }
  } finally {
    await stores.stop();
  }
  if (!complete)
    throw new Error('reconnect: not all came back with every event; see "complete": false above');
}

interface Run {
  stores: Stores;
  queries: QueryCounter;
  /** Of the two halves of the clients. */
  mix: Transport[];
  clients: number;
}

/** Tells whether all came back with every event. */
async function killAndReturn(start: Start, { stores, queries, mix, clients }: Run): Promise<boolean> {
  const publisher = await start<PublisherAnswers>('publisher-process');
  await publisher.ask('start', stores.urls);
  const publish = (pace: Pace): Promise<number> => publisher.ask('run', { ...stores.campaign, pace });
  const killed = await start<GatewayAnswers>('gateway-process');
  const port = await killed.ask('start', { ...stores.urls, port: 0 });
  const crowds = await startCrowds(start, stores, port, mix, clients);
  const told = await publish(earlier);
  const cursor = await crowds.allHave('events', told * clients);
  const before = await killed.ask('use', { collect: true });

  const killedAt = performance.now();
  await killed.kill();
  await crowds.allHave('lost', clients);
  const missed = await publish(meanwhile);
  const gateway = await start<GatewayAnswers>('gateway-process');
  await gateway.ask('start', { ...stores.urls, port });
  const goneMs = performance.now() - killedAt;

  queries.take();
  const othersPercent = watchOthers();
  const fresh = await gateway.ask('use', {});
  const [returned, live] = await Promise.all([crowds.comeBack(cursor + missed), publish(later)]);
  const after = await gateway.ask('use', {});
  const asked = queries.take();
  const others = othersPercent();
  const expected = (told + missed + live) * clients;
  await crowds.allHave('events', expected).catch(() => undefined);
  const { events, gaps } = await crowds.counts();
  const complete = events === expected && gaps === 0 && returned.notRecovered === 0;
  print('reconnect', {
    transports: [...new Set(mix)],
    clients,
    missedEach: missed,
    goneMs: round(goneMs, 0),
    ...returned,
    withinGoal: returned.withAllMissedMs.all <= goalMs,
    deliveries: events,
    expected,
    gaps,
    complete,
    queries: Object.values(asked).reduce((sum, count) => sum + count, 0),
    asked,
    othersPercentOfMachine: round(others, 0),
    gatewayCpuSeconds: round(after.cpuSeconds - fresh.cpuSeconds),
    gatewayMb: {
      before: megabytes(before.memory),
      fresh: megabytes(fresh.memory),
      atMost: megabytes(after.memoryAtMost),
    },
  });
  return complete;
}

/** The two halves of the clients, each a process. */
async function startCrowds(start: Start, stores: Stores, port: number, mix: Transport[], clients: number) {
  const { token, topic } = stores;
  const crowds: Child<CrowdAnswers>[] = [];
  for (const transport of mix) {
    const crowd = await start<CrowdAnswers>('crowd-process');
    await crowd.ask('connect', { port, token, topic, transport, count: clients / 2 });
    crowds.push(crowd);
  }
  const counts = async () => {
    const all = await Promise.all(crowds.map((crowd) => crowd.ask('counts', undefined)));
    const sum = (name: 'events' | 'lost' | 'gaps'): number => all.reduce((n, one) => n + one[name], 0);
    return { events: sum('events'), lost: sum('lost'), gaps: sum('gaps') };
  };
  return {
    counts,
    /** Waits until so many were counted over all. Gives the highest `seq` that a client has. */
    async allHave(name: 'events' | 'lost', count: number): Promise<number> {
      const have = async (): Promise<boolean> => (await counts())[name] >= count;
      await until(have, { withinMs: patienceMs, what: `${count} ${name}`, everyMs: 100 });
      return Math.max(...(await Promise.all(crowds.map((crowd) => crowd.ask('highestSeq', undefined)))));
    },
    async comeBack(missed: number) {
      return summarize(await Promise.all(crowds.map((crowd) => crowd.ask('comeBack', { missed }))));
    },
  };
}

function summarize(returns: Return[]) {
  const recovered = returns.flatMap(({ recoveredMs }) => recoveredMs);
  const caughtUp = returns.flatMap(({ caughtUpMs }) => caughtUpMs);
  const times = (samples: number[]) => ({
    p50: round(quantile(samples, 0.5), 0),
    p99: round(quantile(samples, 0.99), 0),
    all: round(quantile(samples, 1), 0),
  });
  return {
    recoveredMs: times(recovered),
    withAllMissedMs: times(caughtUp),
    notRecovered: returns.reduce((sum, one) => sum + one.notRecovered, 0),
    retries: returns.map(({ retries }) => retries),
  };
}

const megabytes = (bytes: number): number => round(bytes / 1024 / 1024, 0);
