import { createPool } from '@dialstream/shared/db/pool.js';
import { createOutbox, type Outbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import { createLog } from '@dialstream/shared/log.js';
import { answerParent, nowMicros } from './child.js';
import { atPace, eventId, someEvent, type Pace } from './events.js';
import type { StoreUrls } from './stores.js';

/** Commits changes with their events and publishes them, as a dialer does. */
let outbox: Outbox | undefined;
let stamps: [id: string, micros: number][] = [];
let published = 0;

const answers = {
  async start({ databaseUrl, redisUrl, prefix }: StoreUrls): Promise<void> {
    const log = createLog('publisher', 'warn');
    const pool = createPool({ databaseUrl, log, name: 'publisher' });
    const redis = createRedis(redisUrl, 'publisher', log);
    await redisReady(redis);
    const publisher = createPublisher({ pool, redis, prefix, log });
    publisher.start();
    const stamping = {
      ...publisher,
      publish(events: Parameters<typeof publisher.publish>[0]) {
        const micros = nowMicros();
        for (const { body } of events) stamps.push([eventId(body), micros]);
        publisher.publish(events);
      },
    };
    outbox = createOutbox({ pool, publisher: stamping });
  },

  /** Gives the number of events, once the last was committed. */
  async run({ accountId, campaignId, pace }: { accountId: string; campaignId: string; pace: Pace }) {
    stamps = [];
    await atPace(pace, (from, to) =>
      outbox?.change([campaignId], async (_tx, emit) => {
        for (let no = from; no < to; no += 1) emit(someEvent(accountId, campaignId, published + no));
      }),
    );
    published += stamps.length;
    return stamps.length;
  },
  stamps: () => stamps,
};
export type PublisherAnswers = typeof answers;
answerParent(answers);
