import type { LiveClient } from './client.js';
import type { LiveEvent, SystemSnapshot } from './generated/types.js';
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

/**
 * What the account's calls depend on. A dialer that is gone is shown for an hour. Trunks that are added, changed
 * or deleted are told by no event: `refresh` shows them.
 */
export interface SystemView extends Freshness {
  trunks: readonly LiveTrunk[];
  dialers: readonly LiveDialer[];
  /** Null before the snapshot. */
  account: LiveAccount | null;
}

/** Keeps trunks, dialers and limits up to date. Needs the role `admin`. */
export function systemStore(client: LiveClient, options: StoreOptions = {}): LiveStore<SystemView> {
  let state: SystemSnapshot = { trunks: [], dialers: [], account: null };
  const gone = new GoneDialers();
  return createStore(
    client,
    {
      topic: 'system',
      load(snapshot) {
        state = snapshot;
      },
      apply(event) {
        const after = applySystemEvent(state, event, gone);
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
function applySystemEvent(
  state: SystemSnapshot,
  event: LiveEvent,
  gone: GoneDialers,
): SystemSnapshot | 'unknown' {
  if (event.type === 'trunk.status_changed') {
    const { trunkId, to: status, reason: statusReason } = event.data;
    if (!state.trunks.some(({ id }) => id === trunkId)) return 'unknown';
    const trunks = state.trunks.map((trunk) =>
      trunk.id === trunkId ? { ...trunk, status, statusReason } : trunk,
    );
    return { ...state, trunks };
  }
  if (event.type === 'dialer.status_changed') {
    const { dialerId: id, host, to: status } = event.data;
    const others = state.dialers.filter((dialer) => dialer.id !== id);
    // Ids begin with the time of their making (UUID version 7), which is the order of the snapshot, too.
    const dialers = [...others, { id, host, status }].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { ...state, dialers: gone.dropped(dialers, Date.parse(event.time)) };
  }
  return event.type === 'account.limit_changed' ? { ...state, account: event.data.account } : state;
}

/** Milliseconds that a dialer which is gone is shown, here as in the snapshot. */
const goneMs = 3_600_000;

/** Each start of a dialer has an id of its own, so that those which are gone must be forgotten some day. */
class GoneDialers {
  #since = new Map<string, number>();

  /** Without those that were seen to be gone an hour before `now`. */
  dropped(dialers: LiveDialer[], now: number): LiveDialer[] {
    const since = new Map<string, number>();
    for (const { id, status } of dialers) {
      if (status === 'down') since.set(id, this.#since.get(id) ?? now);
    }
    this.#since = since;
    return dialers.filter(({ id }) => now - (since.get(id) ?? now) < goneMs);
  }
}

function isSystem(value: unknown): value is SystemSnapshot {
  const { trunks, dialers, account } = (value ?? {}) as Partial<SystemSnapshot>;
  return isListWithIds(trunks) && isListWithIds(dialers) && account !== undefined;
}
