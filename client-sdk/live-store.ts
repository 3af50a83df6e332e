import type { LiveClient } from './client.js';
import type { Cursor, LiveEvent, SubscriptionMode } from './generated/types.js';
import { readSaved, savedState, type SavedState } from './saved-state.js';
import { tell } from './tell.js';
import type { Gap, SnapshotOf, Subscription, SubscriptionState, TopicName } from './types.js';

/** A picture of a topic's state that keeps itself up to date. Fits React's `useSyncExternalStore`. */
export interface LiveStore<View> {
  /** The state now: the same object until something changes. */
  get(): View;
  /** Calls back after changes, once for those that come together. Gives what ends that. */
  subscribe(listener: () => void): () => void;
  /** The last event that the state holds. */
  readonly cursor: Cursor | null;
  /**
   * The state and its cursor as JSON has it, to be given as `restore` after a reload of the page; null before
   * there is any. It tells what the user may see: keep it as you would keep that.
   */
  save(): SavedState | null;
  /** Asks for the state anew. */
  refresh(): void;
  /** Ends the subscription; the state stays as it is. */
  close(): void;
}

/** What the state is worth. */
export interface Freshness {
  /**
   * `loading`: there is none yet. `live`: up to date. `stale`: it was, and will be again. `refused`, `closed`:
   * it does not change any more.
   */
  freshness: 'loading' | 'live' | 'stale' | 'refused' | 'closed';
  /** How its subscription stands, with the reason. */
  subscription: SubscriptionState;
}

/** Settings of a store. */
export interface StoreOptions {
  /** As in {@link SubscribeOptions}. */
  mode?: SubscriptionMode;
  /** Called when the stream was found broken; the store heals itself. */
  onGap?: (gap: Gap) => void;
  /**
   * What `save` of an earlier store gave. The store begins with it, `stale`, and goes on from its cursor. What
   * is no such thing, or is of another version, server, topic or mode, is passed over.
   */
  restore?: unknown;
}

/** How a topic's snapshots and events become state. */
export interface StoreParts<Topic extends TopicName, View> {
  topic: Topic;
  load(snapshot: SnapshotOf<Topic>): void;
  /** Whether anything changed; `unknown`: only a fresh snapshot can tell what the event is about. */
  apply(event: LiveEvent): boolean | 'unknown';
  view(freshness: Freshness): View;
  /** The state as JSON has it. */
  dump(): unknown;
  /** Takes what `dump` gave; false when it is no such thing. */
  restore(state: unknown): boolean;
}

/** Joins a subscription with the state that it feeds. */
export function createStore<Topic extends TopicName, View>(
  client: LiveClient,
  parts: StoreParts<Topic, View>,
  options: StoreOptions,
): LiveStore<View> {
  const listeners = new Set<() => void>();
  const place = { url: client.url, topic: parts.topic, mode: options.mode ?? 'stream' } as const;
  const saved = readSaved(options.restore, place);
  const isRestored = saved !== null && parts.restore(saved.state);
  let loaded = isRestored;
  let state: SubscriptionState = { status: 'waiting', code: 'connecting', reason: 'no connection yet' };
  let view: View | null = null;
  let isTelling = false;

  function changed(): void {
    view = null;
    if (isTelling) return;
    isTelling = true;
    queueMicrotask(() => {
      isTelling = false;
      const all = [...listeners];
      for (const listener of all) tell(listener);
    });
  }

  const subscription: Subscription = client.subscribe(parts.topic, {
    mode: place.mode,
    ...(isRestored && { cursor: saved.cursor }),
    ...(options.onGap && { onGap: options.onGap }),
    onSnapshot(snapshot) {
      parts.load(snapshot);
      loaded = true;
      changed();
    },
    onEvent(event) {
      const outcome = parts.apply(event);
      if (outcome === 'unknown') subscription.refresh();
      else if (outcome) changed();
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
    save: () => (loaded ? savedState(place, subscription.cursor, parts.dump()) : null),
    refresh: () => subscription.refresh(),
    close: () => subscription.close(),
  };
}

function freshnessOf({ status }: SubscriptionState, loaded: boolean): Freshness['freshness'] {
  if (status === 'live' || status === 'refused' || status === 'closed') return status;
  return loaded ? 'stale' : 'loading';
}
