import { randomUUID } from 'node:crypto';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import { topicKeys } from '@dialstream/shared/events/topics.js';

/** An event as Redis holds it: CloudEvent JSON without its place in the topic. */
export interface LogEntry {
  seq: number;
  body: string;
}

/** Head and entries of a topic at one instant. */
export interface LogRead {
  /** Null when Redis knows no such topic (any more). */
  head: Cursor | null;
  entries: LogEntry[];
}

/** The events of topics in Redis, by their stored names. Every call throws when Redis does not answer. */
export interface TopicLog {
  /** The head of a topic, which begins its first epoch here when it has none. */
  open(stored: string): Promise<Cursor>;
  /** The head and up to `count` entries after `seq`, read in one step. */
  read(stored: string, seq: number, count: number): Promise<LogRead>;
  /** The heads of many topics, in the order asked. */
  heads(stored: readonly string[]): Promise<(Cursor | null)[]>;
}

/** As long as the publisher keeps the keys of a topic that nothing is published to. */
const headTtlMs = 7 * 86_400_000;

const openScript = `
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', 0)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HMGET', KEYS[1], 'epoch', 'seq')
`;

type OpenTopic = (head: string, epoch: string, ttlMs: number) => Promise<HeadFields>;
type HeadFields = [epoch: string | null, seq: string | null];
type Entry = [id: string, fields: string[]];

export function createTopicLog(redis: Redis, prefix: string): TopicLog {
  redis.defineCommand('openTopic', { lua: openScript, numberOfKeys: 1 });
  const openTopic = (redis as unknown as { openTopic: OpenTopic }).openTopic.bind(redis);

  return {
    async open(stored) {
      const cursor = toCursor(await openTopic(topicKeys(prefix, stored).head, randomUUID(), headTtlMs));
      if (cursor === null) throw new Error(`the head of ${stored} has no epoch`);
      return cursor;
    },

    async read(stored, seq, count) {
      const { head, stream } = topicKeys(prefix, stored);
      const [fields, entries] = await replies(
        redis
          .multi()
          .hmget(head, 'epoch', 'seq')
          .xrange(stream, `${seq + 1}-0`, '+', 'COUNT', count)
          .exec(),
      );
      return { head: toCursor(fields as HeadFields), entries: (entries as Entry[]).map(toEntry) };
    },

    async heads(stored) {
      const pipeline = redis.pipeline();
      for (const topic of stored) pipeline.hmget(topicKeys(prefix, topic).head, 'epoch', 'seq');
      return (await replies(pipeline.exec())).map((fields) => toCursor(fields as HeadFields));
    },
  };
}

async function replies(execution: Promise<[Error | null, unknown][] | null>): Promise<unknown[]> {
  const outcomes = await execution;
  if (outcomes === null) throw new Error('Redis gave up the transaction');
  return outcomes.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

function toCursor([epoch, seq]: HeadFields): Cursor | null {
  return epoch === null || seq === null ? null : { epoch, seq: Number(seq) };
}

function toEntry([id, fields]: Entry): LogEntry {
  return { seq: Number.parseInt(id, 10), body: fields[fields.indexOf('e') + 1] ?? '' };
}

/**
 * Whether a read from `after` goes on without a hole: up to the head, or for a whole batch of `count`.
 * It does not when the log was trimmed past `after`.
 */
export function isContinuous({ head, entries }: LogRead, after: Cursor, count: number): boolean {
  if (head === null || head.epoch !== after.epoch || head.seq < after.seq) return false;
  const last = after.seq + entries.length;
  return (
    entries.every((entry, i) => entry.seq === after.seq + 1 + i) &&
    (last === head.seq || entries.length === count)
  );
}
