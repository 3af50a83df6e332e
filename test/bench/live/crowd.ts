import { until } from '@dialstream/shared/embedded/waiting.js';
import { startChild, type Child } from './child.js';
import type { CrowdAnswers } from './crowd-process.js';
import type { StreamOptions } from './raw-stream.js';
import type { SdkAnswers } from './sdk-process.js';

export interface Received {
  /** Over all clients. */
  events: number;
  gaps: number;
  resyncs: number;
  lost: number;
}

/** Subscribers of one topic of one server, in processes of their own. */
export interface Crowd {
  /** Forgets what was received so far. */
  reset(): Promise<void>;
  received(): Promise<Received>;
  /** Waits until so many events were received, or until no more come. */
  settled(events: number): Promise<Received>;
  /** Milliseconds from each of `stamps` to the callbacks of the real clients. */
  delays(stamps: [id: string, micros: number][]): Promise<number[]>;
  kill(): Promise<void>;
}

/** Real clients among the raw ones; each comes after its share of those, so that none is served first. */
const realClients = 20;
const stallMs = 5_000;

export async function startCrowd(options: StreamOptions, subscribers: number): Promise<Crowd> {
  const raw = [await startCrowdChild(), await startCrowdChild()];
  const real = await startChild<SdkAnswers>('sdk-process');
  const kill = async (): Promise<void> => {
    for (const child of [...raw, real]) await child.kill();
  };
  try {
    for (let i = 1; i <= realClients; i += 1) await connectShare(options, subscribers, i, raw, real);
  } catch (error) {
    await kill();
    throw error;
  }
  const received = async (): Promise<Received> => {
    const counts: Partial<Received>[] = [await real.ask('counts', undefined)];
    for (const child of raw) counts.push(await child.ask('counts', undefined));
    return sum(counts);
  };
  return {
    async reset() {
      for (const child of raw) await child.ask('reset', undefined);
      await real.ask('reset', undefined);
    },
    received,
    async settled(events) {
      let last = { events: -1 };
      let changedAt = 0;
      return until(
        async () => {
          const now = await received();
          if (now.events !== last.events) changedAt = performance.now();
          last = now;
          return now.events >= events || performance.now() - changedAt > stallMs ? now : undefined;
        },
        { withinMs: 120_000, what: 'all deliveries' },
      );
    },
    async delays(stamps) {
      const sentAt = new Map(stamps);
      const arrivals = await real.ask('arrivals', undefined);
      return arrivals.map(([id, micros]) => (micros - (sentAt.get(id) ?? Number.NaN)) / 1_000);
    },
    kill,
  };
}

const startCrowdChild = (): Promise<Child<CrowdAnswers>> => startChild<CrowdAnswers>('crowd-process');

async function connectShare(
  options: StreamOptions,
  subscribers: number,
  share: number,
  raw: Child<CrowdAnswers>[],
  real: Child<SdkAnswers>,
): Promise<void> {
  const upTo = (i: number, of: number): number => Math.floor(((subscribers - realClients) * i) / of);
  const counts = raw.map((_, n) => {
    const steps = realClients * raw.length;
    const step = (share - 1) * raw.length + n;
    return upTo(step + 1, steps) - upTo(step, steps);
  });
  await Promise.all(raw.map((child, n) => child.ask('connect', { ...options, count: counts[n] ?? 0 })));
  await real.ask('connect', options);
}

function sum(counts: Partial<Received>[]): Received {
  const total = { events: 0, gaps: 0, resyncs: 0, lost: 0 };
  for (const one of counts) {
    total.events += one.events ?? 0;
    total.gaps += one.gaps ?? 0;
    total.resyncs += one.resyncs ?? 0;
    total.lost += one.lost ?? 0;
  }
  return total;
}
