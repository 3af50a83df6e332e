import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { answerParent } from './child.js';
import { RawStream, type Counts, type StreamOptions } from './raw-stream.js';

/**
 * Many raw streams. They stand for as many machines, so where there are not enough processors for all they
 * give way to the servers and to the real clients.
 */
os.setPriority(10);

const handshakesAtOnce = 50;
const none = { events: 0, gaps: 0, resyncs: 0, heartbeats: 0, lost: 0 };
const counts: Counts = { ...none };
const streams: RawStream[] = [];

/** Calls `work` for all, some at a time. */
async function someAtATime<Item>(items: Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: handshakesAtOnce }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

export interface Return {
  /** Milliseconds from the start to the acknowledgement that goes on from the cursor, by client. */
  recoveredMs: number[];
  /** Milliseconds from the start until the last missed event had come, by client. */
  caughtUpMs: number[];
  /** Clients that got a snapshot instead. */
  notRecovered: number;
  /** Connections that failed and were tried again, by the reason. */
  retries: Record<string, number>;
}

async function comeBack(stream: RawStream, missed: number, startedAt: number, result: Return): Promise<void> {
  let recoveredAt: number | undefined;
  for (;;) {
    try {
      const { recovered } = await stream.open();
      if (!recovered) result.notRecovered += 1;
      recoveredAt ??= performance.now();
      await stream.reach(missed);
      break;
    } catch (error) {
      stream.close();
      const why = error instanceof Error ? error.message : String(error);
      result.retries[why] = (result.retries[why] ?? 0) + 1;
      await delay(100 + Math.random() * 200);
    }
  }
  result.recoveredMs.push(recoveredAt - startedAt);
  result.caughtUpMs.push(performance.now() - startedAt);
}

const answers = {
  async connect({ count, ...options }: StreamOptions & { count: number }): Promise<void> {
    const added = Array.from({ length: count }, () => new RawStream(options, counts));
    streams.push(...added);
    await someAtATime(added, (stream) => stream.open());
  },
  /** All connect at once and go on from their cursors; `missed` is the `seq` of the last event they missed. */
  async comeBack({ missed }: { missed: number }): Promise<Return> {
    const result: Return = { recoveredMs: [], caughtUpMs: [], notRecovered: 0, retries: {} };
    const startedAt = performance.now();
    await Promise.all(streams.map((stream) => comeBack(stream, missed, startedAt, result)));
    return result;
  },
  highestSeq: () => Math.max(...streams.map(({ cursor }) => cursor?.seq ?? 0)),
  counts: () => ({ ...counts }),
  reset: () => void Object.assign(counts, none),
};
export type CrowdAnswers = typeof answers;
answerParent(answers);
