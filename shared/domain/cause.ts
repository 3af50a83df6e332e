import type { Disposition } from './status.js';

/** What a failed INVITE came back with, and what we had done to it by then. */
export interface SipFailure {
  /** SIP status code 300–699, or 0 when the transport failed and no answer came. */
  code: number;
  /** A 18x came before the final answer. */
  rang: boolean;
  /** Why we sent a CANCEL, if we did. */
  canceledFor: 'ring_timeout' | 'command' | null;
}

/** What follows from a disposition for the customer's next attempt. */
export type Consequence =
  /** Retry as the campaign's rules say; uses up one of the customer's attempts. */
  | 'retry'
  /** Our side's or the carrier's fault: back off, do not charge the customer's attempts. */
  | 'back_off'
  /** Our own command ended it: call again when calling goes on, count nothing. */
  | 'again'
  /** Never again. */
  | 'never';

export interface CauseRule {
  id: string;
  disposition: Disposition;
  consequence: Consequence;
  /** The number goes on the account's suppression list. */
  suppress?: true;
}

interface CauseRow extends CauseRule {
  codes: readonly number[] | { from: number; to: number };
  when?: (failure: SipFailure) => boolean;
}

/**
 * From the SIP answer to a disposition; the first row that fits decides.
 * Codes: RFC 3261 section 21, RFC 8197 (607), RFC 8688 (608), RFC 8224 (428, 437, 438), RFC 3893 (429).
 */
const table: readonly CauseRow[] = [
  {
    id: 'ring-timeout',
    codes: { from: 0, to: 699 },
    when: (failure) => failure.canceledFor === 'ring_timeout' && failure.rang,
    disposition: 'no_answer',
    consequence: 'retry',
  },
  {
    id: 'silent-timeout',
    codes: { from: 0, to: 699 },
    when: (failure) => failure.canceledFor === 'ring_timeout' && !failure.rang && isTimeout(failure.code),
    disposition: 'trunk_fault',
    consequence: 'back_off',
  },
  {
    id: 'canceled-by-us',
    codes: { from: 0, to: 699 },
    when: (failure) => failure.canceledFor === 'command' && isTimeout(failure.code),
    disposition: 'canceled',
    consequence: 'again',
  },
  // The far end ended it unasked: charged, so that a trunk that always does so cannot loop.
  { id: 'canceled-by-far-end', codes: [487], disposition: 'canceled', consequence: 'retry' },
  { id: 'busy', codes: [486, 600], disposition: 'busy', consequence: 'retry' },
  {
    id: 'timeout-after-ringing',
    codes: [408],
    when: (failure) => failure.rang,
    disposition: 'no_answer',
    consequence: 'retry',
  },
  { id: 'no-reply', codes: [408], disposition: 'trunk_fault', consequence: 'back_off' },
  { id: 'unavailable', codes: [480], disposition: 'unavailable', consequence: 'retry' },
  { id: 'no-such-number', codes: [404, 410, 484, 604], disposition: 'invalid_number', consequence: 'never' },
  { id: 'declined', codes: [603], disposition: 'rejected', consequence: 'retry' },
  { id: 'unwanted', codes: [607], disposition: 'rejected', consequence: 'never', suppress: true },
  // Not again from this caller id; with one caller id in an attempt's choice that is never.
  { id: 'blocked-by-analytics', codes: [608], disposition: 'rejected', consequence: 'never' },
  { id: 'not-authorized', codes: [401, 403, 407], disposition: 'trunk_fault', consequence: 'back_off' },
  { id: 'identity', codes: [428, 429, 437, 438], disposition: 'trunk_fault', consequence: 'back_off' },
  { id: 'media-refused', codes: [415, 488, 606], disposition: 'media_fault', consequence: 'never' },
  { id: 'overloaded', codes: [503], disposition: 'congestion', consequence: 'back_off' },
  {
    id: 'server-failure',
    codes: { from: 500, to: 599 },
    disposition: 'trunk_fault',
    consequence: 'back_off',
  },
  { id: 'transport-error', codes: [0], disposition: 'trunk_fault', consequence: 'back_off' },
  {
    id: 'too-many-redirects',
    codes: { from: 300, to: 399 },
    disposition: 'trunk_fault',
    consequence: 'back_off',
  },
  { id: 'refused-everywhere', codes: { from: 600, to: 699 }, disposition: 'rejected', consequence: 'retry' },
  {
    id: 'request-refused',
    codes: { from: 400, to: 499 },
    disposition: 'trunk_fault',
    consequence: 'back_off',
  },
];

/** A CANCEL ends in 487, or in 408 when the far end had fallen silent. */
function isTimeout(code: number): boolean {
  return code === 487 || code === 408 || code === 0;
}

/** The rule that maps this failure. Every code has one. */
export function causeOf(failure: SipFailure): CauseRule {
  const row = table.find(
    ({ codes, when }) =>
      ('from' in codes
        ? failure.code >= codes.from && failure.code <= codes.to
        : codes.includes(failure.code)) &&
      (when === undefined || when(failure)),
  );
  const { id, disposition, consequence, suppress } = row ?? outsideOfSip;
  return suppress ? { id, disposition, consequence, suppress } : { id, disposition, consequence };
}

const outsideOfSip: CauseRule = { id: 'no-sip-code', disposition: 'trunk_fault', consequence: 'back_off' };

/** Rules of ends that no SIP code names. */
export const ownCauses = {
  hangUp: { id: 'hang-up', disposition: 'answered', consequence: 'never' },
  /** The dialer died; nobody knows more than that the attempt is over. */
  lost: { id: 'dialer-lost', disposition: 'lost', consequence: 'back_off' },
  /** The SIP server died or did not obey our deadlines. */
  sipLost: { id: 'sip-server-lost', disposition: 'lost', consequence: 'back_off' },
  lostWhileTalking: { id: 'lost-while-talking', disposition: 'answered', consequence: 'never' },
  noUsableMedia: { id: 'no-usable-media', disposition: 'media_fault', consequence: 'never' },
} as const satisfies Record<string, CauseRule>;
