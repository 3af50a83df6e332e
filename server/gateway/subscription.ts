import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type {
  Head,
  RefusalCode,
  ResyncCode,
  SubscribeAck,
  SubscriptionMode,
} from '@dialstream/shared/events/protocol.js';
import type { Log } from '@dialstream/shared/log.js';
import type { FeedMember } from './channel.js';
import { Conflation } from './conflation.js';
import type { Connection } from './connection.js';
import type { Entrance, Feeds } from './feeds.js';
import type { TakeSnapshot } from './snapshots.js';
import type { StreamRights } from './stream-rights.js';
import type { FindTopic, Topic } from './topic-access.js';
import type { TopicFeed } from './topic-feed.js';
import { isContinuous, type TopicLog } from './topic-log.js';

export interface SubscriptionParts {
  feeds: Feeds;
  topicLog: TopicLog;
  findTopic: FindTopic;
  takeSnapshot: TakeSnapshot;
  log: Log;
  /** Events that a cursor may be behind and still be continued. */
  replayLimit: number;
  /** Bytes that may wait in a connection, beside snapshots. */
  backlogLimit: number;
}

/** What was asked for. */
export interface Wanted {
  rights: StreamRights;
  cursor: Cursor | null;
  mode: SubscriptionMode;
}

export type Refusal = { ok: false; code: RefusalCode };

export interface SubscriptionEvents {
  /** It is over by itself; null: it was refused. Called once at most. */
  over(code: ResyncCode | null): void;
  /** The transport has fanned out events to it. */
  fed(): void;
}

/** Milliseconds until a subscribe that Redis or Postgres keep waiting is refused. */
const deadlineMs = 10_000;
/** Milliseconds that a client has to take what was sent before it is sent more. */
const drainMs = 15_000;
const replayBatch = 500;

/**
 * One topic on one connection: from `joining` (nothing was said yet) over `replaying` (acknowledged, events
 * are read for this client alone) to `live` (the transport fans out). Each seq is sent once and in order,
 * because the step to `live` is taken in the very tick in which the replay has reached the channel's position.
 */
export class Subscription implements FeedMember {
  #state: 'joining' | 'replaying' | 'live' | 'over' = 'joining';
  #entrance: Entrance | null = null;
  #mode: SubscriptionMode = 'stream';
  /** How far it is until it is live, when its channel knows. */
  #sent: Head | null = null;

  constructor(
    private readonly name: string,
    private readonly connection: Connection,
    private readonly parts: SubscriptionParts,
    private readonly events: SubscriptionEvents,
  ) {}

  /** The last event that was sent, or that needs no sending; null before the acknowledgement. */
  get head(): Head | null {
    return this.#state === 'live' && this.#entrance !== null ? this.#entrance.channel.head : this.#sent;
  }

  /** Begins, and answers once. */
  async start(wanted: Wanted, answer: (ack: SubscribeAck) => void): Promise<void> {
    this.#mode = wanted.mode;
    const ack = (await this.#letDrain()) ? await this.#prepare(wanted) : refused('too_slow');
    if (this.#state !== 'joining') return answer(refused('superseded'));
    if (!ack.ok) this.#finish(null);
    else {
      this.#state = 'replaying';
      this.#sent = wanted.mode === 'latest' ? { ...ack.cursor, sentSeq: ack.cursor.seq } : ack.cursor;
    }
    answer(ack);
  }

  /** Sends what was missed, if `start` was successful. Resolves when it is live or over. */
  async goLive(): Promise<void> {
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
    if (this.#entrance === null) return;
    this.connection.leave(this.#entrance.channel.room);
    this.parts.feeds.leave(this.#entrance, this);
  }

  /** Ends it from our side. One that has not been answered yet is answered instead. */
  end(code: ResyncCode): void {
    if (this.#state === 'live' || this.#state === 'replaying') this.#finish(code);
    else if (code === 'rights_changed') this.stop();
  }

  fed(): void {
    if (this.#state === 'live') this.events.fed();
  }

  feedEnded(code: ResyncCode): void {
    // While joining nothing was promised yet: `#prepare` sees that the feed has ended, and begins anew.
    if (this.#state === 'live' || this.#state === 'replaying') this.#finish(code);
  }

  #finish(code: ResyncCode | null): void {
    if (this.#state === 'over') return;
    this.stop();
    this.events.over(code);
  }

  async #prepare(wanted: Wanted): Promise<SubscribeAck> {
    try {
      return await within(deadlineMs, `subscribe to ${this.name}`, this.#join(wanted));
    } catch (error) {
      this.parts.log.debug({ err: error, topic: this.name }, 'subscribe failed');
      return refused('unavailable');
    }
  }

  async #join({ rights, cursor }: Wanted): Promise<SubscribeAck> {
    const topic = await this.parts.findTopic(rights, this.name);
    if ('refused' in topic) return refused(topic.refused);
    // A second round is needed only when the topic's epoch changes right now.
    for (let round = 1; round <= 3 && this.#state === 'joining'; round += 1) {
      const entrance = await this.#enter(topic);
      if (entrance === null) break;
      const { feed } = entrance;
      await feed.look();
      const ack = feed.ended === null ? await this.#continueOrSnapshot(feed, cursor) : null;
      if (feed.ended === null && ack !== null) return ack;
      this.parts.feeds.leave(entrance, this);
    }
    return refused('unavailable');
  }

  async #enter(topic: Topic): Promise<Entrance | null> {
    const entrance = await this.parts.feeds.enter(topic, this.#mode, this);
    if (this.#state === 'joining') {
      this.#entrance = entrance;
      return entrance;
    }
    this.parts.feeds.leave(entrance, this);
    return null;
  }

  async #continueOrSnapshot(feed: TopicFeed, cursor: Cursor | null): Promise<SubscribeAck> {
    if (cursor !== null && (await this.#canContinue(feed, cursor))) {
      return { ok: true, topic: this.name, recovered: true, cursor };
    }
    const snapshot = await this.parts.takeSnapshot(feed);
    if (snapshot === null) return refused('not_found');
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
    return isContinuous(
      await this.parts.topicLog.replay(feed.topic, cursor.seq, replayBatch),
      cursor,
      replayBatch,
    );
  }

  /** Sends what lies between the cursor that was acknowledged and the channel, then goes live. */
  async #replay(): Promise<void> {
    const kept = new Conflation();
    for (let after = this.#sent; after !== null && this.#state === 'replaying';) {
      if (this.#entrance === null) return;
      const { feed, channel } = this.#entrance;
      if (feed.ended !== null) return this.#finish(feed.ended);
      if (after.seq === channel.position.seq) return this.#joinChannel(kept);
      if (after.seq > channel.position.seq) {
        await channel.moved();
        continue;
      }
      const read = await this.parts.topicLog.replay(feed.topic, after.seq, replayBatch);
      if (this.#state !== 'replaying') return;
      if (!isContinuous(read, after, replayBatch)) {
        await this.parts.topicLog.cutAtHole(feed.topic, after, read);
        return this.#finish('trimmed');
      }
      // What lies beyond the channel's position will be fanned out.
      const { seq: upTo } = channel.position;
      const isAllDue = (read.events.at(-1)?.seq ?? 0) <= upTo;
      const due = isAllDue ? read.events : read.events.filter(({ seq }) => seq <= upTo);
      after = { epoch: after.epoch, seq: after.seq + due.length };
      if (this.#mode === 'latest') kept.add(due);
      else {
        this.connection.sendEvents(due);
        this.#sent = after;
        if (!(await this.#letDrain())) return this.#finish('too_slow');
      }
    }
  }
  #joinChannel(kept: Conflation): void {
    if (this.#entrance === null || this.#sent === null) return;
    const missed = kept.take(this.#sent.seq);
    if (missed.length > 0) this.connection.sendEvents(missed);
    this.connection.join(this.#entrance.channel.room);
    this.#state = 'live';
  }

  /** Waits until little waits in the connection. False: the client takes too long. */
  async #letDrain(): Promise<boolean> {
    const { backlogLimit } = this.parts;
    if (this.connection.backlog() <= backlogLimit / 2) return true;
    const drained = this.connection.drained().then(() => true);
    return within(drainMs, 'client takes what it was sent', drained).catch(() => false);
  }
}

export function refused(code: RefusalCode): Refusal {
  return { ok: false, code };
}
