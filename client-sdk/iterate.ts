import type { LiveClient } from './client.js';
import { LiveError } from './errors.js';
import type { Cursor, LiveEvent, SubscriptionMode } from './generated/types.js';
import type { Gap, SnapshotOf, Subscription, SubscriptionState, TopicName } from './types.js';

/** What an iteration over a topic gives. After a gap of `not_recovered` follows the snapshot that closes it. */
export type StreamItem<Topic extends TopicName = TopicName> =
  | { kind: 'snapshot'; snapshot: SnapshotOf<Topic>; cursor: Cursor }
  | { kind: 'event'; event: LiveEvent }
  | { kind: 'gap'; gap: Gap };

/** Settings of an iteration over a topic. */
export interface IterateOptions {
  /** Where to go on, such as the place of the last event of an earlier iteration. */
  cursor?: Cursor | null;
  /** As in {@link SubscribeOptions}. */
  mode?: SubscriptionMode;
  /** Ends the iteration. */
  signal?: AbortSignal;
  /**
   * Items that may wait to be taken; 1,000 when left out. When so many wait, the subscription is let go, and
   * begun again from the last of them once all are taken. So a slow consumer misses nothing as long as the
   * server's log reaches back; beyond that it gets a gap and a snapshot.
   */
  capacity?: number;
}

/** Iterates over a topic. Subscribes with the first step, and ends that with the last. */
export function iterate<Topic extends TopicName>(
  client: LiveClient,
  topic: Topic,
  options: IterateOptions,
): AsyncIterable<StreamItem<Topic>> {
  return { [Symbol.asyncIterator]: () => items(new StreamQueue(client, topic, options)) };
}

async function* items<Topic extends TopicName>(
  queue: StreamQueue<Topic>,
): AsyncGenerator<StreamItem<Topic>, void, undefined> {
  try {
    for (;;) {
      const item = await queue.take();
      if (item === null) return;
      yield item;
    }
  } finally {
    queue.close();
  }
}

/** Holds what came and was not taken yet. */
class StreamQueue<Topic extends TopicName> {
  readonly #items: StreamItem<Topic>[] = [];
  readonly #capacity: number;
  readonly #signal: AbortSignal | undefined;
  #cursor: Cursor | null;
  #subscription: Subscription | null = null;
  #end: SubscriptionState | null = null;
  #wake = (): void => undefined;

  constructor(
    private readonly client: LiveClient,
    private readonly topic: Topic,
    private readonly options: IterateOptions,
  ) {
    this.#capacity = Math.max(1, options.capacity ?? 1_000);
    this.#cursor = options.cursor ?? null;
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#aborted);
  }

  /** The next item, as soon as there is one; null when there will be none. */
  async take(): Promise<StreamItem<Topic> | null> {
    while (this.#signal?.aborted !== true) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#end !== null) return endOf(this.#end);
      this.#subscription ??= this.#subscribe();
      if (this.#items.length === 0 && this.#end === null) await this.#somethingNew();
    }
    return null;
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#pause();
  }

  #subscribe(): Subscription | null {
    if (this.client.state.status === 'closed') {
      this.#end = { ...this.client.state, status: 'closed' };
      return null;
    }
    const { mode } = this.options;
    return this.client.subscribe(this.topic, {
      cursor: this.#cursor,
      ...(mode && { mode }),
      onSnapshot: (snapshot, cursor) => this.#add({ kind: 'snapshot', snapshot, cursor }),
      onEvent: (event) => this.#add({ kind: 'event', event }),
      onGap: (gap) => this.#add({ kind: 'gap', gap }),
      onState: (state) => this.#stateChanged(state),
    });
  }

  #add(item: StreamItem<Topic>): void {
    this.#items.push(item);
    // The snapshot that closes a gap is still to come: without it what follows would have no basis.
    const isHalf = item.kind === 'gap' && item.gap.cause === 'not_recovered';
    if (this.#items.length >= this.#capacity && !isHalf) this.#pause();
    this.#wake();
  }

  #stateChanged(state: SubscriptionState): void {
    if (this.#subscription === null || (state.status !== 'closed' && state.status !== 'refused')) return;
    this.#end = state;
    this.#wake();
  }

  #pause(): void {
    const subscription = this.#subscription;
    if (subscription === null) return;
    this.#subscription = null;
    this.#cursor = subscription.cursor;
    subscription.close();
  }

  async #somethingNew(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly #aborted = (): void => {
    this.#pause();
    this.#wake();
  };
}

function endOf({ status, code, reason }: SubscriptionState): null {
  if (status === 'closed' && code === 'closed') return null;
  throw new LiveError(status === 'refused' ? 'refused' : 'closed', reason);
}
