import { answerParent } from './child.js';
import { RawStream, type Counts, type StreamOptions } from './raw-stream.js';

/** Many raw streams. */
const handshakesAtOnce = 50;
const none = { events: 0, gaps: 0, resyncs: 0, heartbeats: 0, lost: 0 };
const counts: Counts = { ...none };
let streams: RawStream[] = [];

/** Calls `work` for all, some at a time. */
async function someAtATime<Item, Result>(items: Item[], work: (item: Item) => Promise<Result>) {
  const results: Result[] = [];
  const rest = items.values();
  await Promise.all(
    Array.from({ length: handshakesAtOnce }, async () => {
      for (const item of rest) results.push(await work(item));
    }),
  );
  return results;
}

const answers = {
  async connect({ count, ...options }: StreamOptions & { count: number }): Promise<void> {
    const added = Array.from({ length: count }, () => new RawStream(options, counts));
    streams.push(...added);
    await someAtATime(added, (stream) => stream.open());
  },
  counts: () => ({ ...counts }),
  reset: () => void Object.assign(counts, none),
  closeAll(): void {
    for (const stream of streams) stream.close();
    streams = [];
  },
};
export type CrowdAnswers = typeof answers;
answerParent(answers);
