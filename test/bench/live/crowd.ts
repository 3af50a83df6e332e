import { until } from '@dialstream/shared/embedded/waiting.js';
import type { Start } from './child.js';
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
}

/** Real clients are dear: 20, or fewer among few. Each comes after its share of the raw ones. */
const realAtMost = 20;
const realShare = 1 / 20;
const stallMs = 5_000;

export async function startCrowd(start: Start, options: StreamOptions, subscribers: number): Promise<Crowd> {
  const raw = [await start<CrowdAnswers>('crowd-process'), await start<CrowdAnswers>('crowd-process')];
  const real = await start<SdkAnswers>('sdk-process');
  const realClients = Math.min(realAtMost, Math.ceil(subscribers * realShare));
  for (const share of split(subscribers - realClients, realClients)) {
    const counts = split(share, raw.length);
    await Promise.all(raw.map((child, i) => child.ask('connect', { ...options, count: counts[i] ?? 0 })));
    await real.ask('connect', options);
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
  };
}

/** Splits a number into `parts` that differ by 1 at most. */
function split(total: number, parts: number): number[] {
  const upTo = (part: number): number => Math.floor((total * part) / parts);
  return Array.from({ length: parts }, (_, part) => upTo(part + 1) - upTo(part));
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
