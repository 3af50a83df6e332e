import type { SubscriptionMode } from '@dialstream/shared/events/protocol.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Channel, FeedMember } from './channel.js';
import type { Topic } from './topic-access.js';
import { TopicFeed, type FeedParts } from './topic-feed.js';

/** A member's place: the feed that reads its topic, and the channel of its mode. */
export interface Entrance {
  feed: TopicFeed;
  channel: Channel;
}

/** The topics that this process reads: those that have members. */
export interface Feeds {
  /** Makes `member` part of a topic's feed. Throws when Redis does not answer. */
  enter(topic: Topic, mode: SubscriptionMode, member: FeedMember): Promise<Entrance>;
  leave(entrance: Entrance, member: FeedMember): void;
  /** New events may be there for a topic, by its stored name. */
  ring(stored: string): void;
  /** Compares every feed with its topic's head and reads on where it lags behind. */
  compareAll(): Promise<void>;
}

const headsPerRead = 500;

export function createFeeds(parts: FeedParts, log: Log): Feeds {
  const { topicLog } = parts;
  const feeds = new Map<string, TopicFeed>();
  const opening = new Map<string, Promise<TopicFeed>>();

  async function open(topic: Topic): Promise<TopicFeed> {
    const feed = new TopicFeed(topic, await topicLog.open(topic), parts);
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
    // Ended, so that a read still under way hands on nothing beside the topic's next feed.
    if (feed.isEmpty) feed.end('unavailable');
    if (feed.ended !== null && feeds.get(feed.topic.stored) === feed) feeds.delete(feed.topic.stored);
  }

  return {
    async enter(topic, mode, member) {
      for (;;) {
        const feed = feeds.get(topic.stored);
        if (feed?.ended === null) return { feed, channel: feed.enter(mode, member) };
        let opened = opening.get(topic.stored);
        if (opened === undefined) {
          opened = open(topic).finally(() => opening.delete(topic.stored));
          opening.set(topic.stored, opened);
        }
        await opened;
      }
    },

    leave({ feed, channel }, member) {
      feed.leave(channel, member);
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
        const heads = await topicLog.heads(some.map((feed) => feed.topic));
        const behind = some.filter((feed, n) => {
          const head = heads[n];
          return head?.epoch !== feed.position.epoch || head.seq !== feed.position.seq;
        });
        await Promise.all(behind.map(look));
      }
    },
  };
}
