import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { ResyncCode, SubscriptionMode } from '@dialstream/shared/events/protocol.js';
import { LatestChannel, StreamChannel, type Channel, type FanOut, type FeedMember } from './channel.js';
import type { PlacedEvent } from './placed-event.js';
import type { Topic } from './topic-access.js';
import { isContinuous, type TopicLog } from './topic-log.js';

export interface FeedParts {
  topicLog: TopicLog;
  fanOut: FanOut;
  /** Milliseconds between two hand-outs in `latest` mode. */
  latestEveryMs: number;
}

const batch = 256;

/** Reads one topic for a whole process: at most one read at a time, each from where the last one ended. */
export class TopicFeed {
  /** Set once, when the topic cannot be continued. */
  ended: ResyncCode | null = null;
  /** The modes that have members. */
  readonly #channels = new Map<SubscriptionMode, Channel>();
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(
    readonly topic: Topic,
    /** The last event that was given to the channels. */
    public position: Cursor,
    private readonly parts: FeedParts,
  ) {}

  get isEmpty(): boolean {
    return this.#channels.size === 0;
  }

  /** Makes `member` part of a mode's channel. */
  enter(mode: SubscriptionMode, member: FeedMember): Channel {
    let channel = this.#channels.get(mode);
    if (channel === undefined) {
      channel = this.#channel(mode);
      this.#channels.set(mode, channel);
    }
    channel.members.add(member);
    return channel;
  }

  leave(channel: Channel, member: FeedMember): void {
    channel.members.delete(member);
    if (channel.members.size > 0 || this.#channels.get(channel.mode) !== channel) return;
    channel.close();
    this.#channels.delete(channel.mode);
  }

  /**
   * Hands on what is new. Resolves after a read that began after this call, so that `position` is then at
   * least where the topic's head was. Throws when Redis does not answer.
   */
  look(): Promise<void> {
    if (this.#reading === null) {
      this.#reading = this.#drain().finally(() => {
        this.#reading = null;
      });
      return this.#reading;
    }
    const again = (): Promise<void> => {
      this.#next = null;
      return this.look();
    };
    this.#next ??= this.#reading.then(again, again);
    return this.#next;
  }

  /** Tells all members that the topic does not go on. */
  end(code: ResyncCode): void {
    if (this.ended !== null) return;
    this.ended = code;
    for (const channel of this.#channels.values()) {
      channel.close();
      for (const member of channel.members) member.feedEnded(code);
    }
  }

  async #drain(): Promise<void> {
    for (;;) {
      const after = this.position;
      const read = await this.parts.topicLog.read(this.topic, after.seq, batch);
      if (this.ended !== null) return;
      if (read.head?.epoch !== after.epoch || read.head.seq < after.seq) return this.end('epoch_changed');
      if (!isContinuous(read, after, batch)) {
        await this.parts.topicLog.cutAtHole(this.topic, after, read);
        return this.end('trimmed');
      }
      if (read.events.length > 0) this.#handOn(read.events);
      if (read.events.length < batch) return;
    }
  }

  #handOn(events: readonly PlacedEvent[]): void {
    const { epoch, seq } = this.position;
    this.position = { epoch, seq: seq + events.length };
    for (const channel of this.#channels.values()) channel.take(events, this.position);
  }

  #channel(mode: SubscriptionMode): Channel {
    const { fanOut, latestEveryMs } = this.parts;
    const { stored } = this.topic;
    return mode === 'stream'
      ? new StreamChannel(stored, this.position, fanOut)
      : new LatestChannel(`${stored} latest`, this.position, fanOut, latestEveryMs);
  }
}
