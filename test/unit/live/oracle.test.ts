import type { Gap } from '@dialstream/client-sdk';
import { expect, test } from 'vitest';
import type { Place } from '../../e2e/live/committed.js';
import { endOf, faultsOf, type Recorded } from '../../e2e/live/oracle.js';

/** Ten events of one campaign and ten of another, as Postgres has them. */
const committed = new Map<string, Place>(
  ['a', 'b'].flatMap((scope) =>
    Array.from({ length: 10 }, (_, n): [string, Place] => [`${scope}${n + 1}`, { scope, place: n + 1 }]),
  ),
);

const snapshot = (seq: number, epoch = 'e'): Recorded => ({ kind: 'snapshot', cursor: { epoch, seq } });
const event = (seq: number, id: string, epoch = 'e'): Recorded => ({ kind: 'event', id, epoch, seq });
const gap: Recorded = {
  kind: 'gap',
  gap: { cause: 'not_recovered', code: null, after: null, seen: null } satisfies Gap,
};

function faults(entries: Recorded[], mode: 'stream' | 'latest' = 'stream'): string[] {
  return faultsOf({ who: 'client', topic: 'campaigns', mode, entries }, committed);
}

test('events that follow each other from a snapshot on are faultless', () => {
  expect(faults([snapshot(3), event(4, 'a2'), event(5, 'b1'), event(6, 'a3'), event(7, 'b2')])).toEqual([]);
});

test('a snapshot that was announced may skip, repeat and begin a new epoch', () => {
  expect(
    faults([snapshot(0), event(1, 'a1'), gap, snapshot(0, 'f'), event(1, 'a1', 'f'), gap, snapshot(9, 'f')]),
  ).toEqual([]);
});

test.each<[string, Recorded[], RegExp]>([
  ['an event that is missing', [snapshot(0), event(1, 'a1'), event(3, 'a3')], /event e 3 after e 1/],
  ['an event twice', [snapshot(0), event(1, 'a1'), event(1, 'a1')], /event e 1 after e 1/],
  ['an event before its turn', [snapshot(0), event(2, 'a2'), event(1, 'a1')], /event e 2 after e 0/],
  ['an event before any snapshot', [event(1, 'a1')], /before any snapshot/],
  ['another epoch without a snapshot', [snapshot(0), event(1, 'a1', 'f')], /event f 1 after e 0/],
  ['a snapshot that nobody announced', [snapshot(0), event(1, 'a1'), snapshot(5)], /without a gap/],
  [
    'a snapshot long after its announcement',
    [snapshot(0), gap, event(1, 'a1'), snapshot(5)],
    /without a gap/,
  ],
  ['an event that was never committed', [snapshot(0), event(1, 'c1')], /never committed/],
  [
    'the same event under two numbers',
    [snapshot(0), event(1, 'a1'), event(2, 'b1'), event(3, 'a1')],
    /number 1 of a and came after number 1/,
  ],
  [
    'an event that the numbers hide',
    [snapshot(0), event(1, 'a1'), event(2, 'a3')],
    /number 3 of a and came after number 1/,
  ],
])('%s is a fault', (_, entries, fault) => {
  expect(faults(entries)[0]).toMatch(fault);
});

test('in latest mode events may be left out, as far as the next one says', () => {
  const latest = (seq: number, previousSeq: number, id: string): Recorded => ({
    kind: 'event',
    id,
    epoch: 'e',
    seq,
    previousSeq,
  });
  expect(faults([snapshot(3), latest(5, 2, 'a3'), latest(9, 5, 'a7')], 'latest')).toEqual([]);
  expect(faults([snapshot(3), latest(5, 4, 'a3')], 'latest')).toHaveLength(1);
  expect(faults([snapshot(3), latest(5, 3, 'a3'), latest(7, 5, 'a2')], 'latest')).toHaveLength(1);
});

test('a record ends with its last event or snapshot', () => {
  const record = { who: 'client', topic: 'campaigns', mode: 'stream' } as const;
  expect(endOf({ ...record, entries: [] })).toBeNull();
  expect(endOf({ ...record, entries: [snapshot(3), gap] })).toEqual({ epoch: 'e', seq: 3 });
  expect(endOf({ ...record, entries: [snapshot(3), event(4, 'a1')] })).toEqual({ epoch: 'e', seq: 4 });
});
