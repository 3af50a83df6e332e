import type { Log } from '@dialstream/shared/log.js';
import { TopicFeed, type FanOut, type FeedMember, type Topic } from './topic-feed.js';
import type { TopicLog } from './topic-log.js';

/** The topics that this process reads: those that have members. */
export interface Feeds {
  /** Makes `member` part of a topic's feed. Throws when Redis does not answer. */
  enter(topic: Topic, member: FeedMember): Promise<TopicFeed>;
  leave(feed: TopicFeed, member: FeedMember): void;
  /** New events may be there for a topic, by its stored name. */
  ring(stored: string): void;
  /** Compares every feed with its topic's head and reads on where it lags behind. */
  compareAll(): Promise<void>;
}

const headsPerRead = 500;

export function createFeeds(topicLog: TopicLog, fanOut: FanOut, log: Log): Feeds {
  const feeds = new Map<string, TopicFeed>();
  const opening = new Map<string, Promise<TopicFeed>>();

  async function open(topic: Topic): Promise<TopicFeed> {
    const feed = new TopicFeed(topic, await topicLog.open(topic.stored), topicLog, fanOut);
    feeds.set(topic.stored, feed);
    return feed;
  }

  function look(feed: TopicFeed): Promise<void> {
    return feed
      .look()
      .catch((error: unknown) => {
        // The doorbell's return or the next heartbeat looks again.
        log.debug({ err: error, topic: feed.topic.stored }, 'topic could not be read');
      })
      .finally(() => forget(feed));
  }

  function forget(feed: TopicFeed): void {
    // Ended, so that a read still under way hands out nothing beside the topic's next feed.
    if (feed.members.size === 0) feed.end('unavailable');
    if (feed.ended !== null && feeds.get(feed.topic.stored) === feed) feeds.delete(feed.topic.stored);
  }

  return {
    async enter(topic, member) {
      for (;;) {
        const feed = feeds.get(topic.stored);
        if (feed?.ended === null) {
          feed.members.add(member);
          return feed;
        }
        let opened = opening.get(topic.stored);
        if (opened === undefined) {
          opened = open(topic).finally(() => opening.delete(topic.stored));
          opening.set(topic.stored, opened);
        }
        await opened;
      }
    },

    leave(feed, member) {
      feed.members.delete(member);
      forget(feed);
    },

    ring(stored) {
      const feed = feeds.get(stored);
      if (feed !== undefined) void look(feed);
    },

    async compareAll() {
      const all = [...feeds.values()];
      for (let i = 0; i < all.length; i += headsPerRead) {
        const some = all.slice(i, i + headsPerRead);
        const heads = await topicLog.heads(some.map((feed) => feed.topic.stored));
        const behind = some.filter((feed, n) => {
          const head = heads[n];
          return head?.epoch !== feed.position.epoch || head.seq !== feed.position.seq;
        });
        await Promise.all(behind.map(look));
      }
    },
  };
}
