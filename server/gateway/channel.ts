import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { Head, ResyncCode, SubscriptionMode } from '@dialstream/shared/events/protocol.js';
import { Conflation } from './conflation.js';
import type { PlacedEvent } from './placed-event.js';

/** Whoever takes part in a channel. */
export interface FeedMember {
  /** Events were just handed to the live members of the channel. */
  fed(): void;
  /** The feed has ended: what follows in the topic does not continue what came before. */
  feedEnded(code: ResyncCode): void;
}

/** Sends events to all connections that have joined a room. */
export type FanOut = (room: string, events: readonly PlacedEvent[]) => void;

/** What of a feed goes to the members of one mode, and when. */
export interface Channel {
  readonly mode: SubscriptionMode;
  /** What the connections of live members join. */
  readonly room: string;
  readonly members: Set<FeedMember>;
  /** The last event that was handed out or is left out. */
  readonly position: Cursor;
  /** The same, as heartbeats tell it. */
  readonly head: Head;
  /** What the feed has read goes on from where the last call ended. */
  take(events: readonly PlacedEvent[], position: Cursor): void;
  /** Resolves when `position` has moved on, or when the channel is closed. */
  moved(): Promise<void>;
  /** Nothing is handed out any more. */
  close(): void;
}

/** Hands out every event at once. */
export class StreamChannel implements Channel {
  readonly mode = 'stream';
  readonly members = new Set<FeedMember>();

  constructor(
    readonly room: string,
    public position: Cursor,
    private readonly fanOut: FanOut,
  ) {}

  get head(): Head {
    return this.position;
  }

  take(events: readonly PlacedEvent[], position: Cursor): void {
    this.position = position;
    this.fanOut(this.room, events);
    for (const member of this.members) member.fed();
  }

  moved(): Promise<void> {
    // Never behind its feed, so nobody has a reason to wait.
    return Promise.resolve();
  }

  close(): void {
    // Nothing is kept back.
  }
}

/** Hands out what `latest` mode leaves of the events, at most once in `everyMs`, in the order of their seq. */
export class LatestChannel implements Channel {
  readonly mode = 'latest';
  readonly members = new Set<FeedMember>();
  readonly #kept = new Conflation();
  readonly #waiting: (() => void)[] = [];
  #reached: Cursor;
  #sentSeq: number;
  #handedOutAtMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly room: string,
    public position: Cursor,
    private readonly fanOut: FanOut,
    private readonly everyMs: number,
  ) {
    this.#reached = position;
    this.#sentSeq = position.seq;
  }

  get head(): Head {
    return { ...this.position, sentSeq: this.#sentSeq };
  }

  take(events: readonly PlacedEvent[], position: Cursor): void {
    this.#kept.add(events);
    this.#reached = position;
    const waitMs = this.#handedOutAtMs + this.everyMs - performance.now();
    if (waitMs <= 0) this.#handOut();
    else this.#timer ??= setTimeout(() => this.#handOut(), waitMs);
  }

  moved(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#wake();
  }

  #handOut(): void {
    this.#timer = null;
    const events = this.#kept.take(this.#sentSeq);
    this.position = this.#reached;
    const last = events.at(-1);
    if (last !== undefined) {
      this.#handedOutAtMs = performance.now();
      this.#sentSeq = last.seq;
      this.fanOut(this.room, events);
      for (const member of this.members) member.fed();
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
