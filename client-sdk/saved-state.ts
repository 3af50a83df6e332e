import type { Cursor, SubscriptionMode } from './generated/types.js';
import { isPlace } from './place.js';

/** State of a store with its cursor, for JSON. What `state` holds is the store's own business. */
export interface SavedState {
  version: number;
  url: string;
  topic: string;
  mode: SubscriptionMode;
  cursor: Cursor;
  state: unknown;
}

/** Counts up when stores keep something else than before. */
const version = 1;

type Place = Pick<SavedState, 'url' | 'topic' | 'mode'>;

export function savedState(place: Place, cursor: Cursor | null, state: unknown): SavedState | null {
  return cursor && { version, ...place, cursor, state };
}

/** What was saved at this place; null when it is anything else. */
export function readSaved(given: unknown, place: Place): SavedState | null {
  if (typeof given !== 'object' || given === null) return null;
  const saved = given as Partial<SavedState>;
  const isOurs =
    saved.version === version &&
    saved.url === place.url &&
    saved.topic === place.topic &&
    saved.mode === place.mode &&
    isPlace(saved.cursor);
  return isOurs ? (saved as SavedState) : null;
}

/** Whether something is a list of things with ids, which is as far as saved state is looked into. */
export function isListWithIds(value: unknown): value is { id: string }[] {
  return Array.isArray(value) && value.every(hasId);
}

export function hasId(value: unknown): value is { id: string } {
  return typeof (value as { id?: unknown } | null)?.id === 'string';
}
