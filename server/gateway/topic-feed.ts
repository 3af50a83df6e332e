import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { TopicName } from '@dialstream/shared/events/topics.js';
import type { ResyncCode } from '@dialstream/shared/events/protocol.js';
import { isContinuous, type LogEntry, type TopicLog } from './topic-log.js';

/** Whoever takes part in a feed. */
export interface FeedMember {
  /** Events were just handed to the live members of the topic. */
  fed(): void;
  /** The feed has ended: what follows in the topic does not continue what came before. */
  feedEnded(code: ResyncCode): void;
}

/** A topic under its two names: `campaigns` is one per account, so Redis names it otherwise. */
export interface Topic {
  name: TopicName;
  stored: string;
  accountId: string;
}

/** One event with its place in a topic, made text once for all who get it. */
export interface PlacedEvent {
  seq: number;
  json: string;
}

export type FanOut = (topic: Topic, events: PlacedEvent[]) => void;

const batch = 256;

/** Reads one topic for a whole process: at most one read at a time, each from where the last one ended. */
export class TopicFeed {
  readonly members = new Set<FeedMember>();
  /** Set once, when the topic cannot be continued. */
  ended: ResyncCode | null = null;
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(
    readonly topic: Topic,
    /** The last event that was handed out. */
    public position: Cursor,
    private readonly log: TopicLog,
    private readonly fanOut: FanOut,
  ) {}

  /**
   * Hands out what is new. Resolves after a read that began after this call, so that `position` is then at
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
    for (const member of this.members) member.feedEnded(code);
  }

  async #drain(): Promise<void> {
    for (;;) {
      const after = this.position;
      const read = await this.log.read(this.topic.stored, after.seq, batch);
      if (this.ended !== null) return;
      if (read.head?.epoch !== after.epoch || read.head.seq < after.seq) return this.end('epoch_changed');
      if (!isContinuous(read, after, batch)) return this.end('trimmed');
      if (read.entries.length > 0) this.#handOut(read.entries);
      if (read.entries.length < batch) return;
    }
  }

  #handOut(entries: LogEntry[]): void {
    const { epoch, seq } = this.position;
    this.position = { epoch, seq: seq + entries.length };
    this.fanOut(this.topic, placeEvents(entries, this.topic, epoch));
    for (const member of this.members) member.fed();
  }
}

/** Adds to stored events what depends on the topic: they are JSON objects, so it goes in before the `}`. */
export function placeEvents(entries: LogEntry[], topic: Topic, epoch: string): PlacedEvent[] {
  const place = `"topic":${JSON.stringify(topic.name)},"epoch":${JSON.stringify(epoch)}`;
  return entries.map(({ seq, body }) => ({ seq, json: `${body.slice(0, -1)},${place},"seq":${seq}}` }));
}
