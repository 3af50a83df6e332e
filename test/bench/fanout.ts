import type { BareAnswers } from './live/bare-process.js';
import { startCrowd, type Crowd, type Received } from './live/crowd.js';
import { withChildren, type OwnUse, type Start } from './live/child.js';
import type { GatewayAnswers } from './live/gateway-process.js';
import type { PublisherAnswers } from './live/publisher-process.js';
import { transports, type Transport } from './live/raw-stream.js';
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

/** A server under load, ours or the bare one. */
interface Side {
  name: 'dialstream' | 'bare';
  crowd: Crowd;
  /** Bytes that its subscribers have added to the process. */
  memory: number;
  use(): Promise<OwnUse>;
  /** Sends events for so long. Gives their number, and what the server had used when the first was sent. */
  run(perSecond: number, seconds: number): Promise<{ events: number; before: OwnUse }>;
  stamps(): Promise<[id: string, micros: number][]>;
}

interface Run {
  transport: Transport;
  subscribers: number;
  perSecond: number;
}

interface Figures {
  perCpuSecond: number;
  p50: number;
  p99: number;
}

/**
 * `fanout`: events of a campaign to 100, 1,000 and 10,000 subscribers, over Socket.IO and over WebSocket,
 * beside a bare `socket.io` and a bare `ws` that send events of the same size at the same pace. Both take turns,
 * window by window. Every delivery is counted.
 */
export async function benchFanout(only: { subscribers?: number; transport?: Transport } = {}): Promise<void> {
  const stores = await startStores();
  const summary: Record<string, unknown>[] = [];
  let complete = true;
  try {
    for (const [subscribers, perSecond] of rates) {
      if (only.subscribers !== undefined && only.subscribers !== subscribers) continue;
      for (const transport of transports) {
        if (only.transport !== undefined && only.transport !== transport) continue;
        const run = { transport, subscribers, perSecond };
        const result = await withChildren((start) => compare(start, stores, run));
        complete &&= result.complete;
        summary.push(result.figures);
      }
    }
  } finally {
    await stores.stop();
  }
  for (const figures of summary) print('fanout summary', figures);
  if (!complete) throw new Error('fanout: deliveries were lost or came twice; see "complete": false above');
}

async function compare(start: Start, stores: Stores, run: Run) {
  const figures = { dialstream: [] as Figures[], bare: [] as Figures[] };
  let complete = true;
  const sides = [await startOurs(start, stores, run), await startBare(start, stores, run)];
  for (const side of sides) await measure(side, run, warmUpSeconds);
  for (let n = 1; n <= rounds; n += 1) {
    for (const side of sides) {
      const window = await measure(side, run, windowSeconds);
      complete &&= window.complete;
      figures[side.name].push(window.figures);
      print('fanout', { ...run, round: n, server: side.name, ...window.printed });
    }
  }
  return { complete, figures: summarize(run, sides, figures, complete) };
}

function summarize(run: Run, sides: Side[], figures: Record<Side['name'], Figures[]>, complete: boolean) {
  const median = (name: Side['name'], of: (one: Figures) => number): number =>
    quantile(figures[name].map(of), 0.5);
  const ofSides = (of: (side: Side) => unknown) =>
    Object.fromEntries(sides.map((side) => [side.name, of(side)]));
  const perCpuSecond = (one: Figures): number => one.perCpuSecond;
  return {
    ...run,
    complete,
    deliveriesPerCpuSecond: ofSides(({ name }) => round(median(name, perCpuSecond), 0)),
    ratioToBare: round(median('dialstream', perCpuSecond) / median('bare', perCpuSecond)),
    publishToCallbackMs: ofSides(({ name }) => ({
      p50: round(median(name, ({ p50 }) => p50)),
      p99: round(median(name, ({ p99 }) => p99)),
    })),
    kilobytesPerSubscriber: ofSides(({ memory }) => round(memory / run.subscribers / 1024, 1)),
  };
}

/** One window: from the first event until the last delivery. */
async function measure(side: Side, { subscribers, perSecond }: Run, seconds: number) {
  await side.crowd.reset();
  const startedAt = performance.now();
  const { events, before } = await side.run(perSecond, seconds);
  const expected = events * subscribers;
  const received = await side.crowd.settled(expected);
  const after = await side.use();
  const elapsed = (performance.now() - startedAt) / 1_000;
  const delays = await side.crowd.delays(await side.stamps());
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const complete = isComplete(received, expected) && !delays.some(Number.isNaN);
  const figures = {
    perCpuSecond: received.events / cpuSeconds,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
  };
  const printed = {
    events,
    deliveries: received.events,
    expected,
    gaps: received.gaps,
    resyncs: received.resyncs,
    lost: received.lost,
    complete,
    seconds: round(elapsed, 1),
    cpuSeconds: round(cpuSeconds, 3),
    deliveriesPerCpuSecond: round(figures.perCpuSecond, 0),
    cpuMicrosPerDelivery: round(1e6 / figures.perCpuSecond),
    cpuPercentPer1000Subscribers: round((cpuSeconds * 100 * 1_000) / elapsed / subscribers, 1),
    p50Ms: round(figures.p50),
    p99Ms: round(figures.p99),
  };
  return { complete, figures, printed };
}

function isComplete({ events, gaps, resyncs, lost }: Received, expected: number): boolean {
  return events === expected && gaps === 0 && resyncs === 0 && lost === 0;
}

async function startOurs(start: Start, stores: Stores, run: Run): Promise<Side> {
  const gateway = await start<GatewayAnswers>('gateway-process');
  const publisher = await start<PublisherAnswers>('publisher-process');
  const port = await gateway.ask('start', { ...stores.urls, port: 0 });
  await publisher.ask('start', stores.urls);
  const use = (collect = false): Promise<OwnUse> => gateway.ask('use', { collect });
  return {
    name: 'dialstream',
    use,
    ...(await connectCrowd(start, stores, run, port, use)),
    async run(perSecond, seconds) {
      const before = await use();
      const events = await publisher.ask('run', { ...stores.campaign, pace: { perSecond, seconds } });
      return { events, before };
    },
    stamps: () => publisher.ask('stamps', undefined),
  };
}

async function startBare(start: Start, stores: Stores, run: Run): Promise<Side> {
  const bare = await start<BareAnswers>('bare-process');
  const port = await bare.ask('start', run.transport);
  const use = (collect = false): Promise<OwnUse> => bare.ask('use', { collect });
  return {
    name: 'bare',
    use,
    ...(await connectCrowd(start, stores, run, port, use)),
    run: (perSecond, seconds) => bare.ask('run', { ...stores.campaign, pace: { perSecond, seconds } }),
    stamps: () => bare.ask('stamps', undefined),
  };
}

/** Connects the subscribers of a server, and tells how much its memory grew by that. */
async function connectCrowd(
  start: Start,
  { topic, token }: Stores,
  { transport, subscribers }: Run,
  port: number,
  use: (collect: boolean) => Promise<OwnUse>,
): Promise<Pick<Side, 'crowd' | 'memory'>> {
  const before = await use(true);
  const crowd = await startCrowd(start, { transport, port, token, topic }, subscribers);
  const after = await use(true);
  return { crowd, memory: after.memory - before.memory };
}
