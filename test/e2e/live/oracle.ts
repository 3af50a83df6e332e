import type { Gap } from '@dialstream/client-sdk';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { TopicName } from '@dialstream/shared/events/topics.js';
import type { Place } from './committed.js';

/** What a subscriber was called with, in the order of the calls. */
export type Recorded =
  | { kind: 'snapshot'; cursor: Cursor }
  | { kind: 'event'; id: string; epoch: string; seq: number; previousSeq?: number | undefined }
  | { kind: 'gap'; gap: Gap };

export interface TopicRecord {
  /** Names the subscriber, for messages. */
  who: string;
  topic: TopicName;
  mode: 'stream' | 'latest';
  entries: Recorded[];
}

/**
 * What is wrong with a record: an event that does not follow the one before, that comes twice, out of its
 * scope's order or out of nothing, and a snapshot that nobody had announced. `committed` has the place of
 * every event of the topic by its id. Between two snapshots each event must be there exactly once.
 */
export function faultsOf(record: TopicRecord, committed: ReadonlyMap<string, Place>): string[] {
  const faults: string[] = [];
  let at: Cursor | null = null;
  let isAnnounced = false;
  let places = new Map<string, number>();
  for (const [n, entry] of record.entries.entries()) {
    const say = (what: string): void =>
      void faults.push(`${record.who}, ${record.topic}, entry ${n}: ${what}`);
    if (entry.kind === 'gap') {
      isAnnounced = true;
    } else if (entry.kind === 'snapshot') {
      if (at !== null && !isAnnounced) say('a snapshot without a gap');
      at = entry.cursor;
      places = new Map();
      isAnnounced = false;
    } else {
      if (at === null) say(`event ${entry.seq} before any snapshot`);
      else if (!follows(entry, at)) say(`event ${entry.epoch} ${entry.seq} after ${at.epoch} ${at.seq}`);
      const wrong = wrongPlace(entry.id, record.mode, committed, places);
      if (wrong !== null) say(wrong);
      at = { epoch: entry.epoch, seq: entry.seq };
      isAnnounced = false;
    }
  }
  return faults;
}

function follows({ epoch, seq, previousSeq }: Extract<Recorded, { kind: 'event' }>, at: Cursor): boolean {
  if (epoch !== at.epoch) return false;
  return previousSeq === undefined ? seq === at.seq + 1 : previousSeq <= at.seq && at.seq < seq;
}

/** Notes the event's place in `places`. Null: it is the one that Postgres says is next in its scope. */
function wrongPlace(
  id: string,
  mode: TopicRecord['mode'],
  committed: ReadonlyMap<string, Place>,
  places: Map<string, number>,
): string | null {
  const is = committed.get(id);
  if (is === undefined) return `event ${id} was never committed`;
  const before = places.get(is.scope);
  places.set(is.scope, is.place);
  // What a snapshot holds already may follow it, so any place is good for the first one.
  if (before === undefined) return null;
  const isNext = mode === 'stream' ? is.place === before + 1 : is.place > before;
  return isNext ? null : `event ${id} is number ${is.place} of ${is.scope} and came after number ${before}`;
}

/** The last event or snapshot of a record. */
export function endOf(record: TopicRecord): Cursor | null {
  const last = record.entries.findLast((entry) => entry.kind !== 'gap');
  if (last === undefined) return null;
  return last.kind === 'snapshot' ? last.cursor : { epoch: last.epoch, seq: last.seq };
}
