import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../db/pool.js';
import type { Log } from '../log.js';
import type { NumberedEvent } from './outbox.js';
import { publishScript } from './publish-script.js';
import type { Redis } from './redis.js';
import { doorbell, lifeKey, scopeKey, topicKeys } from './topics.js';

export interface PublisherOptions {
  pool: Pool;
  redis: Redis;
  prefix: string;
  log: Log;
  /** Entries kept in a topic's stream, about. */
  streamLength?: number;
  /** Age of the oldest entry kept, ms. */
  streamAgeMs?: number;
}

export interface Publisher {
  /** Takes committed events; they are published soon, in order. Never throws. */
  publish(events: readonly NumberedEvent[]): void;
  /** Publishes what a dead process left: rows older than `olderThanMs`. Gives how many scopes had any. */
  sweep(olderThanMs?: number): Promise<number>;
  /** Resolves when all that was given is published, or could not be. */
  idle(): Promise<void>;
  /** Sweeps once a second from now on. */
  start(): void;
  close(): Promise<void>;
}

type Verdict = ['ok' | 'gap' | 'unknown', number];
type RunScript = (keyCount: number, ...keysAndArgs: (string | number)[]) => Promise<Verdict>;

/** All keys of a topic go when nothing was published for so long. */
const keysTtlMs = 7 * 86_400_000;
/** Beyond so many events in memory they are left to the sweep: Postgres holds them anyway. */
const queueLimit = 20_000;
const sweepEveryMs = 1_000;
const sweepOlderThanMs = 1_500;
const removeEveryMs = 200;
const rowsPerRead = 1_000;

/** Publishes committed events to Redis. Any number of processes may run one. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { pool, redis, prefix, log, streamLength = 10_000, streamAgeMs = 86_400_000 } = options;
  let queue = new Map<string, NumberedEvent[]>();
  let queued = 0;
  let running: Promise<void> | null = null;
  let removing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<number> | null = null;
  const published = new Map<string, number>();
  // Sent as EVALSHA, whole only to a Redis that does not know it yet.
  redis.defineCommand('publishEvents', { lua: publishScript });
  const runScript = (redis as unknown as { publishEvents: RunScript }).publishEvents.bind(redis);

  async function append(
    scope: string,
    events: readonly NumberedEvent[],
    base: number | '',
    lostAt: number | '' = '',
  ): Promise<Verdict> {
    const topics = [...new Set(events.flatMap((event) => event.topics))];
    const keys = topics.flatMap((topic) => Object.values(topicKeys(prefix, topic)));
    const args = [keysTtlMs, streamLength, streamAgeMs, randomUUID(), base, lostAt, doorbell(prefix)];
    const entries = events.flatMap(({ no, topics: own, body }) => [
      no,
      own.map((topic) => topics.indexOf(topic) + 1).join(','),
      body,
    ]);
    const verdict = await runScript(
      2 + keys.length,
      scopeKey(prefix, scope),
      lifeKey(prefix),
      ...keys,
      ...args,
      topics.length,
      ...topics,
      ...entries,
    );
    if (verdict[0] === 'ok') published.set(scope, Math.max(published.get(scope) ?? 0, verdict[1]));
    return verdict;
  }

  async function publishScope(scope: string, events: NumberedEvent[]): Promise<void> {
    const [answer] = await append(scope, events, '');
    if (answer === 'ok') return;
    // Another process has committed before us and is about to publish; its turn is a matter of milliseconds.
    if (answer === 'gap') await delay(5);
    await publishFromPostgres(scope);
  }

  /** Publishes every row of a scope, in order: its own, those of others, and those of the dead. */
  async function publishFromPostgres(scope: string): Promise<void> {
    for (;;) {
      const rows = await unpublished(pool, scope);
      const first = rows[0];
      if (first === undefined) return;
      let [answer, last] = await append(scope, rows, first.no - 1);
      // Rows are removed only once Redis has them. So a hole that is still there after the rows were read
      // means that Redis has lost the tail of its log: its topics begin anew.
      if (answer === 'gap' && last < first.no - 1) {
        log.warn({ scope, last, next: first.no }, 'Redis lost events it had; topics get a new epoch');
        [answer, last] = await append(scope, rows, first.no - 1, last);
      }
      if (answer !== 'ok') throw new Error(`events of ${scope} stay unpublished after ${last}`);
      if (rows.length < rowsPerRead) return;
      await removePublished();
    }
  }

  async function run(): Promise<void> {
    while (queue.size > 0) {
      const batch = queue;
      queue = new Map();
      queued = 0;
      const scopes = [...batch].map(async ([scope, events]) => publishScope(scope, events));
      for (const outcome of await Promise.allSettled(scopes)) {
        // The rows stay in Postgres and the sweep finds them: late, but not lost.
        if (outcome.status === 'rejected') log.debug({ err: outcome.reason }, 'events wait for the sweep');
      }
      scheduleRemoval();
    }
    running = null;
  }

  function scheduleRemoval(): void {
    removing ??= delay(removeEveryMs)
      .then(removePublished)
      .catch((error: unknown) => {
        log.debug({ err: error }, 'published event rows stay for now');
      })
      .finally(() => {
        removing = null;
      });
  }

  async function removePublished(): Promise<void> {
    const done = [...published];
    if (done.length === 0) return;
    await pool.query({
      name: 'remove-published',
      text: `delete from event_rows r using unnest($1::uuid[], $2::bigint[]) d (scope, upto)
        where r.scope = d.scope and r.no <= d.upto`,
      values: [done.map(([scope]) => scope), done.map(([, upto]) => upto)],
    });
    for (const [scope, upto] of done) if (published.get(scope) === upto) published.delete(scope);
  }

  async function sweep(olderThanMs = sweepOlderThanMs): Promise<number> {
    const { rows } = await pool.query<{ scope: string }>({
      name: 'scopes-left-over',
      text: `select distinct scope from event_rows where created_at < now() - $1 * interval '1 ms' limit 100`,
      values: [olderThanMs],
    });
    for (const { scope } of rows) {
      // One scope that cannot be published must not keep the others waiting.
      await publishFromPostgres(scope).catch((error: unknown) => {
        log.warn({ err: error, scope }, 'events left by another process could not be published yet');
      });
    }
    await removePublished();
    return rows.length;
  }

  return {
    publish(events) {
      for (const event of events) {
        if (queued >= queueLimit) return;
        const own = queue.get(event.scope);
        if (own) own.push(event);
        else queue.set(event.scope, [event]);
        queued += 1;
      }
      if (events.length > 0) running ??= run();
    },
    sweep,
    async idle() {
      await running;
      await removing;
    },
    start() {
      timer = setInterval(() => {
        sweeping ??= sweep()
          .catch((error: unknown) => {
            log.debug({ err: error }, 'sweep failed');
            return 0;
          })
          .finally(() => {
            sweeping = null;
          });
      }, sweepEveryMs);
    },
    async close() {
      clearInterval(timer);
      await sweeping;
      await running;
      await removing;
    },
  };
}

async function unpublished(pool: Pool, scope: string): Promise<NumberedEvent[]> {
  const { rows } = await pool.query<NumberedEvent>({
    name: 'unpublished',
    text: 'select scope, no, topics, body from event_rows where scope = $1 order by no limit $2',
    values: [scope, rowsPerRead],
  });
  return rows;
}
