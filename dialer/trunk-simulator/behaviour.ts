/** A duration that is drawn anew for every call, ms, both ends included. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** What the far end of one number does. */
export type Behaviour =
  | {
      kind: 'answer';
      /** Asks for digest credentials before anything else. */
      credentials: boolean;
      /** Sent before the answer; null: answers without ringing. */
      progress: { status: 180 | 183; ring: Span } | null;
      talk: Span;
    }
  | { kind: 'reject'; status: number }
  /** Rings until the caller gives up. */
  | { kind: 'ring' }
  | { kind: 'silence' }
  /** Rings, and answers the CANCEL's INVITE with 200: the callee was faster. */
  | { kind: 'late_answer' }
  | { kind: 'redirect' };

const ring: Span = { fromMs: 1_000, toMs: 3_000 };
const talk: Span = { fromMs: 3_000, toMs: 8_000 };
const machineTalk: Span = { fromMs: 8_000, toMs: 8_000 };
const atOnce: Span = { fromMs: 0, toMs: 0 };

/** By the last two digits; together the rows cover 00–99 once. */
const rows: readonly { first: number; last: number; behaviour: Behaviour }[] = [
  {
    first: 0,
    last: 59,
    behaviour: { kind: 'answer', credentials: false, progress: { status: 180, ring }, talk },
  },
  { first: 60, last: 69, behaviour: { kind: 'reject', status: 486 } },
  { first: 70, last: 79, behaviour: { kind: 'ring' } },
  { first: 80, last: 84, behaviour: { kind: 'reject', status: 480 } },
  { first: 85, last: 87, behaviour: { kind: 'reject', status: 404 } },
  { first: 88, last: 89, behaviour: { kind: 'reject', status: 603 } },
  { first: 90, last: 92, behaviour: { kind: 'reject', status: 503 } },
  { first: 93, last: 93, behaviour: { kind: 'silence' } },
  { first: 94, last: 94, behaviour: { kind: 'answer', credentials: false, progress: null, talk: atOnce } },
  {
    first: 95,
    last: 95,
    behaviour: { kind: 'answer', credentials: false, progress: { status: 183, ring }, talk },
  },
  {
    first: 96,
    last: 96,
    behaviour: { kind: 'answer', credentials: true, progress: { status: 180, ring }, talk },
  },
  { first: 97, last: 97, behaviour: { kind: 'late_answer' } },
  { first: 98, last: 98, behaviour: { kind: 'redirect' } },
  {
    first: 99,
    last: 99,
    behaviour: { kind: 'answer', credentials: false, progress: null, talk: machineTalk },
  },
];

const unknownNumber: Behaviour = { kind: 'reject', status: 404 };

/** The behaviour of a called number; one that does not end in two digits is not known here: 404. */
export function behaviourOf(calledNumber: string): Behaviour {
  const ending = /\d\d$/.exec(calledNumber)?.[0];
  if (ending === undefined) return unknownNumber;
  const digits = Number(ending);
  return rows.find(({ first, last }) => first <= digits && digits <= last)?.behaviour ?? unknownNumber;
}

/** The same address with a number that ends in 00 and therefore answers; null when there is none to change. */
export function answeringNeighbour(requestUri: string): string | null {
  const match = /^(sips?:[^@;]*)\d\d(@.*|;[^@]*@.*)$/i.exec(requestUri);
  return match ? `${match[1]}00${match[2]}` : null;
}
