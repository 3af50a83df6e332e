import type { LiveClient } from './client.js';
import type {
  Cursor,
  Gap,
  LiveEvent,
  SnapshotOf,
  Subscription,
  SubscriptionState,
  TopicName,
} from './types.js';

/** A picture of a topic's state that keeps itself up to date. Fits React's `useSyncExternalStore`. */
export interface LiveStore<View> {
  /** The state now: the same object until something changes. */
  get(): View;
  /** Calls back after changes, several at once when they come together. Gives what ends that. */
  subscribe(listener: () => void): () => void;
  /** The last event that the state holds. */
  readonly cursor: Cursor | null;
  /** Ends the subscription; the state stays as it is. */
  close(): void;
}

/** What the state is worth. */
export interface Freshness {
  /** `live`: up to date. `stale`: it was, and will be again. `refused`, `closed`: it does not change any more. */
  freshness: 'loading' | 'live' | 'stale' | 'refused' | 'closed';
  /** How its subscription stands, with the reason. */
  subscription: SubscriptionState;
}

/** Settings of a store. */
export interface StoreOptions {
  /** Called when the stream was found broken; the store heals itself. */
  onGap?: (gap: Gap) => void;
}

/** How a topic's snapshots and events become state. */
export interface StoreParts<Topic extends TopicName, View> {
  topic: Topic;
  load(snapshot: SnapshotOf<Topic>): void;
  /** Whether anything changed. */
  apply(event: LiveEvent): boolean;
  view(freshness: Freshness): View;
}

/** Joins a subscription with the state that it feeds. */
export function createStore<Topic extends TopicName, View>(
  client: LiveClient,
  parts: StoreParts<Topic, View>,
  options: StoreOptions,
): LiveStore<View> {
  const listeners = new Set<() => void>();
  let state: SubscriptionState = { status: 'waiting', code: 'connecting', reason: 'no connection yet' };
  let loaded = false;
  let view: View | null = null;
  let isTelling = false;

  function changed(): void {
    view = null;
    if (isTelling) return;
    isTelling = true;
    queueMicrotask(() => {
      isTelling = false;
      for (const listener of listeners) listener();
    });
  }

  const subscription: Subscription = client.subscribe(parts.topic, {
    ...(options.onGap && { onGap: options.onGap }),
    onSnapshot(snapshot) {
      parts.load(snapshot);
      loaded = true;
      changed();
    },
    onEvent(event) {
      if (parts.apply(event)) changed();
    },
    onState(next) {
      state = next;
      changed();
    },
  });

  return {
    get: () => (view ??= parts.view({ freshness: freshnessOf(state, loaded), subscription: state })),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get cursor() {
      return subscription.cursor;
    },
    close: () => subscription.close(),
  };
}

function freshnessOf({ status }: SubscriptionState, loaded: boolean): Freshness['freshness'] {
  if (status === 'live' || status === 'refused' || status === 'closed') return status;
  return loaded ? 'stale' : 'loading';
}
