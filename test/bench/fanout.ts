import { withChildren, type Start } from './live/child.js';
import type { Received } from './live/crowd.js';
import type { Pace } from './live/events.js';
import { watchOthers } from './live/machine.js';
import { transports } from './live/raw-stream.js';
import { sideNames, startBare, startOurs, type Side, type SideName, type Subscribers } from './live/sides.js';
import { startStores, type Stores } from './live/stores.js';
import { print, quantile, round } from './figures.js';

/** Events per second by the number of subscribers: 50,000 deliveries a second each. */
const rates = new Map([
  [100, 500],
  [1_000, 50],
  [10_000, 5],
]);
const rounds = 3;
/** As long as from one heartbeat to the next, so that each window has one. */
const windowSeconds = 10;
const warmUpSeconds = 3;
const burstAtMost = 500;

interface Figures {
  perCpuSecond: number;
  perSecond: number;
  p50: number;
  p99: number;
  others: number;
}

/** What was measured of one load, by side and round. */
type Rounds = Record<SideName, Figures[]>;

/**
 * `fanout`: events of a campaign to 100, 1,000 and 10,000 subscribers, over Socket.IO and over WebSocket,
 * beside a bare `socket.io` and a bare `ws` that send events of the same size at the same pace: at a fixed pace,
 * and in one burst. Both take turns, window by window. Every delivery is counted.
 */
export async function benchFanout(only: Partial<Subscribers> = {}): Promise<void> {
  if (only.subscribers !== undefined && !rates.has(only.subscribers)) {
    throw new Error(`fanout: subscribers are ${[...rates.keys()].join(', ')}`);
  }
  const stores = await startStores();
  const summaries: object[] = [];
  let complete = true;
  try {
    for (const subscribers of rates.keys()) {
      if (only.subscribers !== undefined && only.subscribers !== subscribers) continue;
      for (const transport of transports) {
        if (only.transport !== undefined && only.transport !== transport) continue;
        const result = await withChildren((start) => compare(start, stores, { transport, subscribers }));
        complete &&= result.complete;
        summaries.push(result.summary);
      }
    }
  } finally {
    await stores.stop();
  }
  for (const summary of summaries) print('fanout summary', { ...summary });
  if (!complete) throw new Error('fanout: deliveries were lost or came twice; see "complete": false above');
}

async function compare(start: Start, stores: Stores, who: Subscribers) {
  const perSecond = rates.get(who.subscribers) ?? 1;
  const sides = [await startOurs(start, stores, who), await startBare(start, stores, who)];
  const paced = { perSecond, seconds: windowSeconds };
  const burst = inOneBurst(Math.min(burstAtMost, perSecond * windowSeconds));
  for (const side of sides) await measure(side, who, { perSecond, seconds: warmUpSeconds });
  const atPace = await takeTurns(sides, who, paced, { perSecond });
  const atOnce = await takeTurns(sides, who, burst, { burst: true });
  const complete = atPace.complete && atOnce.complete;
  const summary = {
    ...who,
    complete,
    perSecond,
    ...summarize(atPace.figures),
    kilobytesPerSubscriber: Object.fromEntries(
      sides.map(({ name, memory }) => [name, round(memory / who.subscribers / 1_024, 1)]),
    ),
    burst: { ...burstSummary(atOnce.figures) },
  };
  return { complete, summary };
}

/** All are due at once. */
function inOneBurst(events: number): Pace {
  return { perSecond: 1e6, seconds: events / 1e6 };
}

async function takeTurns(sides: Side[], who: Subscribers, pace: Pace, label: object) {
  const figures: Rounds = { dialstream: [], bare: [] };
  let complete = true;
  for (let n = 1; n <= rounds; n += 1) {
    for (const side of sides) {
      const window = await measure(side, who, pace);
      complete &&= window.complete;
      figures[side.name].push(window.figures);
      print('fanout', { ...who, ...label, round: n, server: side.name, ...window.printed });
    }
  }
  return { complete, figures };
}

/** One window: from the first event until the last delivery. */
async function measure(side: Side, { subscribers }: Subscribers, pace: Pace) {
  await side.crowd.reset();
  const othersPercent = watchOthers();
  const startedAt = performance.now();
  const { events, before } = await side.run(pace);
  const expected = events * subscribers;
  const received = await side.crowd.settled(expected);
  const seconds = (performance.now() - startedAt) / 1_000;
  const others = othersPercent();
  const cpuSeconds = (await side.use()).cpuSeconds - before.cpuSeconds;
  const delays = await side.crowd.delays(await side.stamps());
  const complete = isComplete(received, expected) && !delays.some(Number.isNaN);
  const figures = {
    perCpuSecond: received.events / cpuSeconds,
    perSecond: received.events / seconds,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    others,
  };
  const { events: deliveries, ...faults } = received;
  const printed = {
    events,
    deliveries,
    expected,
    ...faults,
    complete,
    seconds: round(seconds, 1),
    cpuSeconds: round(cpuSeconds, 3),
    deliveriesPerCpuSecond: round(figures.perCpuSecond, 0),
    cpuMicrosPerDelivery: round(1e6 / figures.perCpuSecond),
    cpuPercentPer1000Subscribers: round((cpuSeconds * 100 * 1_000) / seconds / subscribers, 1),
    p50Ms: round(figures.p50),
    p99Ms: round(figures.p99),
    othersPercentOfMachine: round(others, 0),
  };
  return { complete, figures, printed };
}

function isComplete({ events, gaps, resyncs, lost }: Received, expected: number): boolean {
  return events === expected && gaps === 0 && resyncs === 0 && lost === 0;
}

function medians(rounds: Rounds, of: (one: Figures) => number, digits = 0): Record<string, number> {
  return Object.fromEntries(
    sideNames.map((name) => [name, round(quantile(rounds[name].map(of), 0.5), digits)]),
  );
}

function ratioToBare(rounds: Rounds): number {
  const { dialstream = 0, bare = 0 } = medians(rounds, ({ perCpuSecond }) => perCpuSecond);
  return round(dialstream / bare);
}

function summarize(rounds: Rounds) {
  return {
    deliveriesPerCpuSecond: medians(rounds, ({ perCpuSecond }) => perCpuSecond),
    ratioToBare: ratioToBare(rounds),
    p50Ms: medians(rounds, ({ p50 }) => p50, 2),
    p99Ms: medians(rounds, ({ p99 }) => p99, 2),
    othersPercentOfMachine: medians(rounds, ({ others }) => others),
  };
}

function burstSummary(rounds: Rounds) {
  return {
    deliveriesPerSecond: medians(rounds, ({ perSecond }) => perSecond),
    deliveriesPerCpuSecond: medians(rounds, ({ perCpuSecond }) => perCpuSecond),
    ratioToBare: ratioToBare(rounds),
  };
}
