import type { LiveClient } from './client.js';
import type { AccountLimitChanged, LiveEvent, SystemSnapshot } from './generated/types.js';
import { createStore, type Freshness, type LiveStore, type StoreOptions } from './live-store.js';
import { isListWithIds } from './saved-state.js';

/** A trunk of the account, and whether calls can leave by it. */
export type LiveTrunk = SystemSnapshot['trunks'][number];

/** A dialer; it serves all accounts. */
export type LiveDialer = SystemSnapshot['dialers'][number];

/**
 * The account and its limits. Minutes and unique users are those of the last snapshot or change of a limit: no
 * event tells what each call takes.
 */
export type LiveAccount = NonNullable<SystemSnapshot['account']>;

/** What the account's calls depend on. */
export interface SystemView extends Freshness {
  trunks: readonly LiveTrunk[];
  dialers: readonly LiveDialer[];
  /** Null before the snapshot. */
  account: LiveAccount | null;
}

/** Keeps trunks, dialers and limits up to date. Needs the role `admin`. */
export function systemStore(client: LiveClient, options: StoreOptions = {}): LiveStore<SystemView> {
  let state: SystemSnapshot = { trunks: [], dialers: [], account: null };
  return createStore(
    client,
    {
      topic: 'system',
      load(snapshot) {
        state = snapshot;
      },
      apply(event) {
        const after = applySystemEvent(state, event);
        if (after === 'unknown') return after;
        const isNews = after !== state;
        state = after;
        return isNews;
      },
      view: (freshness) => ({ ...freshness, ...state }),
      dump: () => state,
      restore(saved) {
        if (!isSystem(saved)) return false;
        state = saved;
        return true;
      },
    },
    options,
  );
}

/** The state after an event; the very same object when it says nothing new. */
function applySystemEvent(state: SystemSnapshot, event: LiveEvent): SystemSnapshot | 'unknown' {
  if (event.type === 'trunk.status_changed') {
    const { trunkId, to, reason } = event.data;
    const trunks = replaced(state.trunks, trunkId, { status: to, statusReason: reason });
    return trunks === null ? 'unknown' : { ...state, trunks };
  }
  if (event.type === 'dialer.status_changed') {
    const dialers = replaced(state.dialers, event.data.dialerId, { status: event.data.to });
    return dialers === null ? 'unknown' : { ...state, dialers };
  }
  return event.type === 'account.limit_changed' ? afterLimitChange(state, event.data) : state;
}

function afterLimitChange(
  state: SystemSnapshot,
  { account }: AccountLimitChanged & { account?: LiveAccount | null },
): SystemSnapshot | 'unknown' {
  return account === undefined ? 'unknown' : { ...state, account };
}

/** The list with one changed; null when it does not have that. */
function replaced<Item extends { id: string }>(
  list: Item[],
  id: string,
  change: Partial<Item>,
): Item[] | null {
  if (!list.some((item) => item.id === id)) return null;
  return list.map((item) => (item.id === id ? { ...item, ...change } : item));
}

function isSystem(value: unknown): value is SystemSnapshot {
  const { trunks, dialers, account } = (value ?? {}) as Partial<SystemSnapshot>;
  return isListWithIds(trunks) && isListWithIds(dialers) && account !== undefined;
}
