import type { Cursor, LiveEvent, SubscriptionMode } from './generated/types.js';
import { tell } from './tell.js';
import type {
  Gap,
  SnapshotOf,
  SubscribeOptions,
  Subscription,
  SubscriptionState,
  TopicName,
} from './types.js';

/** What a subscription asks of the feed that it hangs on. */
interface Feed {
  /** It wants a snapshot. */
  wanting(): void;
  left(subscription: AnySubscription): void;
}

export type AnySubscription = TopicSubscription<TopicName>;

/** One subscriber of a topic: knows how far it is, and sees to it that it gets each event once. */
export class TopicSubscription<Topic extends TopicName> implements Subscription {
  readonly mode: SubscriptionMode;
  #cursor: Cursor | null;
  /** The server has once gone on from its cursor, or given it. */
  #isProven = false;
  /** What it knows is no basis for further events. */
  #wantsSnapshot: boolean;
  /** Events that the next snapshot takes the place of are no loss: it is wished for. */
  #wished = false;
  #state: SubscriptionState = { status: 'waiting', code: 'connecting', reason: 'no connection yet' };

  constructor(
    readonly topic: Topic,
    private readonly options: SubscribeOptions<Topic>,
    private readonly feed: Feed,
  ) {
    this.mode = options.mode ?? 'stream';
    this.#cursor = options.cursor ?? null;
    this.#wantsSnapshot = this.#cursor === null;
  }

  get cursor(): Cursor | null {
    return this.#cursor;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Where it can go on; null: it takes a snapshot. */
  get place(): Cursor | null {
    return this.#wantsSnapshot ? null : this.#cursor;
  }

  /** Whether it has a place that the server knows. */
  get isProven(): boolean {
    return this.#isProven;
  }

  refresh(): void {
    if (this.#isOver) return;
    this.#wantsSnapshot = true;
    this.#wished = true;
    this.feed.wanting();
  }

  close(): void {
    if (this.#isOver) return;
    this.#become({ status: 'closed', code: 'closed', reason: 'closed by the client' });
    this.feed.left(this);
  }

  /** Ends it from outside. */
  end(status: 'closed' | 'refused', code: string, reason: string): void {
    this.#become({ status, code, reason });
  }

  wait(status: 'waiting' | 'subscribing', code: string, reason: string): void {
    this.#become({ status, code, reason });
  }

  /** Its events come from now on. */
  live(): void {
    if (this.#state.status === 'live') return;
    this.#become({ status: 'live', code: 'recovered', reason: 'went on from the cursor' });
  }

  /** The server goes on from its place. */
  prove(): void {
    this.#isProven = true;
  }

  /** Its place is of a log that is gone. */
  lose(): void {
    this.#wantsSnapshot = true;
  }

  load(snapshot: unknown, cursor: Cursor): void {
    if (this.#isOver) return;
    const after = this.#wished ? null : this.#cursor;
    this.#cursor = cursor;
    this.#isProven = true;
    this.#wantsSnapshot = false;
    this.#wished = false;
    if (after !== null) this.gap({ cause: 'not_recovered', code: null, after, seen: cursor });
    if (this.#isOver) return;
    tell(this.options.onSnapshot, snapshot as SnapshotOf<Topic>, cursor);
    this.#become({ status: 'live', code: 'snapshot', reason: 'began with a snapshot' });
  }

  event(event: LiveEvent): void {
    const { epoch, seq } = event;
    if (!this.#advance({ epoch, seq })) return;
    // Another subscriber of this client may get more than was asked for here.
    if (this.mode === 'latest' && isOfCall(event)) return;
    tell(this.options.onEvent, event);
  }

  /** There was nothing for it up to here. */
  advance(place: Cursor): void {
    this.#advance(place);
  }

  gap(gap: Gap): void {
    if (!this.#isOver) tell(this.options.onGap, gap);
  }

  #advance(place: Cursor): boolean {
    if (this.#isOver || this.#wantsSnapshot) return false;
    if (this.#cursor !== null && place.seq <= this.#cursor.seq) return false;
    this.#cursor = place;
    return true;
  }

  get #isOver(): boolean {
    return this.#state.status === 'closed' || this.#state.status === 'refused';
  }

  #become(state: SubscriptionState): void {
    const { status, code, reason } = this.#state;
    if (this.#isOver) return;
    if (state.status === status && state.code === code && state.reason === reason) return;
    this.#state = state;
    tell(this.options.onState, state);
  }
}

function isOfCall({ type }: LiveEvent): boolean {
  return type === 'call.status_changed' || type === 'attempt.changed';
}
