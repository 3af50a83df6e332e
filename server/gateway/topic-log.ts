import { randomUUID } from 'node:crypto';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import { lifeFunction } from '@dialstream/shared/events/log-life.js';
import { lifeKey, topicKeys } from '@dialstream/shared/events/topics.js';
import type { Log } from '@dialstream/shared/log.js';
import { PlacedEvent } from './placed-event.js';
import { shareInFlight } from './share-in-flight.js';
import type { Topic } from './topic-access.js';

/** Head and events of a topic at one instant. */
export interface LogRead {
  /** Null when Redis knows no such topic (any more). */
  head: Cursor | null;
  /** They end before one that cannot be read. */
  events: readonly PlacedEvent[];
}

/** The events of topics in Redis. Every call throws when Redis does not answer. */
export interface TopicLog {
  /** The head of a topic, which begins its first epoch here when it has none. */
  open(topic: Topic): Promise<Cursor>;
  /** The head and up to `count` events after `seq`, read in one step that began after this call. */
  read(topic: Topic, seq: number, count: number): Promise<LogRead>;
  /** The same, but those who ask at once share one read, which may have begun before this call. */
  replay(topic: Topic, seq: number, count: number): Promise<LogRead>;
  /**
   * Takes from the log what lies before the hole that a read from `after` has met, if it has: nobody can go on
   * from there, and is not to try again and again.
   */
  cutAtHole(topic: Topic, after: Cursor, read: LogRead): Promise<void>;
  /** The heads of many topics, in the order asked. */
  heads(topics: readonly Topic[]): Promise<(Cursor | null)[]>;
}

/** As long as the publisher keeps the keys of a topic that nothing is published to. */
const headTtlMs = 7 * 86_400_000;

const openScript = `
${lifeFunction}
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', 0, 'life', lifeOf(KEYS[2], ARGV[1], ARGV[2]))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HMGET', KEYS[1], 'epoch', 'seq')
`;

/** Only in the epoch in which the hole was met: another one counts anew. */
const cutScript = `
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2]) end
`;

type CutTopic = (head: string, stream: string, epoch: string, first: number) => Promise<void>;
type OpenTopic = (head: string, life: string, epoch: string, ttlMs: number) => Promise<HeadFields>;
type HeadFields = [epoch: string | null, seq: string | null];
type Entry = [id: string, fields: string[]];

export function createTopicLog(redis: Redis, prefix: string, log: Log): TopicLog {
  redis.defineCommand('openTopic', { lua: openScript, numberOfKeys: 2 });
  const openTopic = (redis as unknown as { openTopic: OpenTopic }).openTopic.bind(redis);
  redis.defineCommand('cutTopic', { lua: cutScript, numberOfKeys: 2 });
  const cutTopic = (redis as unknown as { cutTopic: CutTopic }).cutTopic.bind(redis);
  const share = shareInFlight<LogRead>();

  async function read(topic: Topic, seq: number, count: number): Promise<LogRead> {
    const keys = topicKeys(prefix, topic.stored);
    const [fields, entries] = await replies(
      redis
        .multi()
        .hmget(keys.head, 'epoch', 'seq')
        .xrange(keys.stream, `${seq + 1}-0`, '+', 'COUNT', count)
        .exec(),
    );
    const head = toCursor(fields as HeadFields);
    return { head, events: head === null ? [] : readable(entries as Entry[], topic, head.epoch) };
  }

  function readable(entries: Entry[], { name, stored }: Topic, epoch: string): PlacedEvent[] {
    const events: PlacedEvent[] = [];
    for (const [id, fields] of entries) {
      const seq = Number.parseInt(id, 10);
      const event = PlacedEvent.of(fields[fields.indexOf('e') + 1] ?? '', { topic: name, epoch, seq });
      if (event === null) {
        log.error({ topic: stored, entry: id }, 'an event in Redis cannot be read');
        break;
      }
      events.push(event);
    }
    return events;
  }

  return {
    async open({ stored }) {
      const cursor = toCursor(
        await openTopic(topicKeys(prefix, stored).head, lifeKey(prefix), randomUUID(), headTtlMs),
      );
      if (cursor === null) throw new Error(`the head of ${stored} has no epoch`);
      return cursor;
    },

    read,

    replay: (topic, seq, count) => share(`${topic.stored} ${seq} ${count}`, () => read(topic, seq, count)),

    async cutAtHole(topic, after, { head, events }) {
      const whole = events.findIndex((event, i) => event.seq !== after.seq + 1 + i);
      const last = after.seq + (whole === -1 ? events.length : whole);
      if (head?.epoch !== after.epoch || head.seq <= last) return;
      const keys = topicKeys(prefix, topic.stored);
      log.warn(
        { topic: topic.stored, seq: last + 1 },
        'the log of a topic has a hole; what is before it goes',
      );
      await cutTopic(keys.head, keys.stream, head.epoch, last + 2);
    },

    async heads(topics) {
      const pipeline = redis.pipeline();
      for (const { stored } of topics) pipeline.hmget(topicKeys(prefix, stored).head, 'epoch', 'seq');
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

/**
 * Whether a read from `after` goes on without a hole: up to the head, or for a whole batch of `count`.
 * It does not when the log was trimmed past `after`.
 */
export function isContinuous({ head, events }: LogRead, after: Cursor, count: number): boolean {
  if (head === null || head.epoch !== after.epoch || head.seq < after.seq) return false;
  const last = after.seq + events.length;
  return (
    events.every((event, i) => event.seq === after.seq + 1 + i) &&
    (last === head.seq || events.length === count)
  );
}
