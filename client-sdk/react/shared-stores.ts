import type { LiveClient } from '../client.js';
import type { Freshness, LiveStore } from '../live-store.js';

/** A kind of store, and what is shown while there is none. */
export interface StoreKind<View> {
  /** Names the store among those of its client. */
  key: string;
  create(client: LiveClient): LiveStore<View>;
  /** Made once, so that a component that is drawn twice gets the same object. */
  empty: Record<'loading' | 'closed', View>;
}

interface SharedStore {
  store: LiveStore<unknown>;
  users: number;
  closing: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Milliseconds that a store is kept after its last component has gone: the next page may want it again, and
 * React in strict mode mounts everything twice.
 */
const lingerMs = 1_000;

const stores = new WeakMap<LiveClient, Map<string, SharedStore>>();

/** Uses the store of this kind, which all components of a client share. Gives what ends that. */
export function shareStore<View>(
  client: LiveClient,
  kind: StoreKind<View>,
  listener: () => void,
): () => void {
  if (client.state.status === 'closed') return () => undefined;
  const shared = sharedStore(client, kind);
  clearTimeout(shared.closing);
  shared.users += 1;
  const stop = shared.store.subscribe(listener);
  return () => {
    stop();
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.closing = setTimeout(() => {
      shared.store.close();
      stores.get(client)?.delete(kind.key);
    }, lingerMs);
  };
}

/** What the store of this kind shows now. */
export function viewOf<View>(client: LiveClient, kind: StoreKind<View>): View {
  const shared = stores.get(client)?.get(kind.key);
  if (shared !== undefined) return shared.store.get() as View;
  return kind.empty[client.state.status === 'closed' ? 'closed' : 'loading'];
}

function sharedStore<View>(client: LiveClient, kind: StoreKind<View>): SharedStore {
  let ofClient = stores.get(client);
  if (ofClient === undefined) stores.set(client, (ofClient = new Map()));
  let shared = ofClient.get(kind.key);
  if (shared === undefined) {
    shared = { store: kind.create(client), users: 0, closing: undefined };
    ofClient.set(kind.key, shared);
  }
  return shared;
}

/** The two views of a kind that has no store. */
export function emptyViews<View>(view: (freshness: Freshness) => View): StoreKind<View>['empty'] {
  return {
    loading: view({
      freshness: 'loading',
      subscription: { status: 'waiting', code: 'connecting', reason: 'no connection yet' },
    }),
    closed: view({
      freshness: 'closed',
      subscription: { status: 'closed', code: 'closed', reason: 'the client is closed' },
    }),
  };
}
