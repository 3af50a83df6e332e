import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Connection } from './connection.js';
import type { Feeds } from './feeds.js';
import type { ResyncCode, SubscribeAck } from '@dialstream/shared/events/protocol.js';
import type { TakeSnapshot } from './snapshots.js';
import type { FindTopic } from './topic-access.js';
import { placeEvents, type FeedMember, type Topic, type TopicFeed } from './topic-feed.js';
import { isContinuous, type TopicLog } from './topic-log.js';

export interface SubscriptionParts {
  feeds: Feeds;
  topicLog: TopicLog;
  findTopic: FindTopic;
  takeSnapshot: TakeSnapshot;
  log: Log;
  /** Events that a cursor may be behind and still be continued. */
  replayLimit: number;
  /** Messages that may wait in a connection. */
  backlogLimit: number;
}

/** Milliseconds until a subscribe that Redis or Postgres keep waiting is refused. */
const deadlineMs = 10_000;
/** Milliseconds that a client has to take one batch of a replay. */
const drainMs = 15_000;
const replayBatch = 500;

/**
 * One topic on one connection: from `joining` (nothing was said yet) over `replaying` (acknowledged, events
 * are read for this client alone) to `live` (the transport fans out). Each seq is sent once and in order,
 * because the step to `live` is taken in the very tick in which the replay has reached the feed's position.
 */
export class Subscription implements FeedMember {
  #state: 'joining' | 'replaying' | 'live' | 'over' = 'joining';
  #feed: TopicFeed | null = null;
  #sent: Cursor | null = null;

  constructor(
    private readonly name: string,
    private readonly connection: Connection,
    private readonly parts: SubscriptionParts,
    /** Called once, when it is over by itself; null: it was refused. */
    private readonly onOver: (code: ResyncCode | null) => void,
    /** Called when the transport has fanned out events to it. */
    private readonly onFed: () => void,
  ) {}

  /** The last event that was sent, or that needs no sending; null before the acknowledgement. */
  get position(): Cursor | null {
    return this.#state === 'live' && this.#feed !== null ? this.#feed.position : this.#sent;
  }

  /** Begins, and answers once. Resolves when it is live or over. */
  async start(cursor: Cursor | null, answer: (ack: SubscribeAck) => void): Promise<void> {
    const ack = await this.#prepare(cursor);
    if (this.#state !== 'joining') return answer({ ok: false, code: 'superseded' });
    answer(ack);
    if (!ack.ok) return this.#finish(null);
    this.#state = 'replaying';
    this.#sent = ack.cursor;
    try {
      await this.#replay();
    } catch (error) {
      this.parts.log.debug({ err: error, topic: this.name }, 'replay failed');
      this.#finish('unavailable');
    }
  }

  /** Ends it because the client or its connection is done with it. */
  stop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (this.#feed === null) return;
    this.connection.leave(this.#feed.topic.stored);
    this.parts.feeds.leave(this.#feed, this);
  }

  /** Ends it because the client does not take its events fast enough. */
  fallBehind(): void {
    if (this.#state === 'live' || this.#state === 'replaying') this.#finish('too_slow');
  }

  fed(): void {
    if (this.#state === 'live') this.onFed();
  }

  feedEnded(code: ResyncCode): void {
    // While joining nothing was promised yet: `#prepare` sees that the feed has ended, and begins anew.
    if (this.#state === 'live' || this.#state === 'replaying') this.#finish(code);
  }

  #finish(code: ResyncCode | null): void {
    if (this.#state === 'over') return;
    this.stop();
    this.onOver(code);
  }

  async #prepare(cursor: Cursor | null): Promise<SubscribeAck> {
    try {
      return await within(deadlineMs, `subscribe to ${this.name}`, this.#join(cursor));
    } catch (error) {
      this.parts.log.debug({ err: error, topic: this.name }, 'subscribe failed');
      return { ok: false, code: 'unavailable' };
    }
  }

  async #join(cursor: Cursor | null): Promise<SubscribeAck> {
    const topic = await this.parts.findTopic(this.connection.principal, this.name);
    if ('refused' in topic) return { ok: false, code: topic.refused };
    // A second round is needed only when the topic's epoch changes right now.
    for (let round = 1; round <= 3 && this.#state === 'joining'; round += 1) {
      const feed = await this.#enter(topic);
      if (feed === null) break;
      await feed.look();
      const ack = feed.ended === null ? await this.#continueOrSnapshot(feed, cursor) : null;
      if (feed.ended === null && ack !== null) return ack;
      this.parts.feeds.leave(feed, this);
    }
    return { ok: false, code: 'unavailable' };
  }

  async #enter(topic: Topic): Promise<TopicFeed | null> {
    const feed = await this.parts.feeds.enter(topic, this);
    if (this.#state === 'joining') {
      this.#feed = feed;
      return feed;
    }
    this.parts.feeds.leave(feed, this);
    return null;
  }

  async #continueOrSnapshot(feed: TopicFeed, cursor: Cursor | null): Promise<SubscribeAck> {
    if (cursor !== null && (await this.#canContinue(feed, cursor))) {
      return { ok: true, topic: this.name, recovered: true, cursor };
    }
    const snapshot = await this.parts.takeSnapshot(feed);
    if (snapshot === null) return { ok: false, code: 'not_found' };
    return {
      ok: true,
      topic: this.name,
      recovered: false,
      cursor: snapshot.cursor,
      snapshot: snapshot.state,
    };
  }

  async #canContinue(feed: TopicFeed, cursor: Cursor): Promise<boolean> {
    const missed = feed.position.seq - cursor.seq;
    if (cursor.epoch !== feed.position.epoch || missed < 0 || missed > this.parts.replayLimit) return false;
    if (missed === 0) return true;
    return isContinuous(await this.parts.topicLog.read(feed.topic.stored, cursor.seq, 1), cursor, 1);
  }

  /** Sends what lies between the cursor that was acknowledged and the feed, then goes live. */
  async #replay(): Promise<void> {
    while (this.#state === 'replaying' && this.#feed !== null && this.#sent !== null) {
      const feed = this.#feed;
      const after = this.#sent;
      if (feed.ended !== null) return this.#finish(feed.ended);
      if (after.seq === feed.position.seq) {
        this.connection.join(feed.topic.stored);
        this.#state = 'live';
        return;
      }
      const read = await this.parts.topicLog.read(feed.topic.stored, after.seq, replayBatch);
      if (this.#state !== 'replaying') return;
      if (!isContinuous(read, after, replayBatch)) return this.#finish('trimmed');
      // What lies beyond the feed's position will be fanned out.
      const due = read.entries.filter(({ seq }) => seq <= feed.position.seq);
      for (const event of placeEvents(due, feed.topic, after.epoch)) this.connection.sendEvent(event);
      this.#sent = { epoch: after.epoch, seq: after.seq + due.length };
      await this.#letDrain();
    }
  }

  async #letDrain(): Promise<void> {
    if (this.connection.backlog() < this.parts.backlogLimit / 2) return;
    await within(drainMs, 'client takes a replay', this.connection.drained()).catch(() => {
      this.fallBehind();
    });
  }
}
