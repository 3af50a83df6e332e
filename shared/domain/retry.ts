import type { CauseRule } from './cause.js';
import type { CallSignal, Disposition } from './status.js';

export interface RetryRule {
  /** Seconds until the next attempt. */
  afterSeconds?: number | undefined;
  /** Attempts in all, while the last one ended in this disposition. */
  maxAttempts?: number | undefined;
  /** False: one attempt with this end is the last. */
  retry?: boolean | undefined;
}

export interface RetryPolicy {
  maxAttempts: number;
  afterSeconds: number;
  rules: { readonly [disposition in Disposition]?: RetryRule | undefined };
}

/** What is known of a call when one of its attempts has ended. */
export interface EndedAttempt {
  cause: CauseRule;
  /** Attempts charged to the customer, this one included when it is charged. */
  chargedAttempts: number;
  /** Attempts not charged in a row, this one included when it is not charged. */
  unchargedAttempts: number;
  policy: RetryPolicy;
  /** The call's own settings, which go before the campaign's. */
  maxAttempts: number | null;
  retryAfterSeconds: number | null;
  campaignFinished: boolean;
}

export interface CallDecision {
  signal: CallSignal;
  reason: string;
  /** Seconds until the call is due again; null when it is final. */
  retryInSeconds: number | null;
}

/** How often in a row a fault of our side may happen to one call before it ends in `technical_error`. */
export const unchargedCap = 3;

/** The first pause after a fault of our side; it doubles with each one in a row. */
const backOffSeconds = 10;

/** Whether an end with this cause uses up one of the customer's attempts. */
export function isCharged(cause: CauseRule): boolean {
  return cause.consequence === 'retry' || cause.consequence === 'never';
}

/** What becomes of a call whose attempt has ended. */
export function decideAfterAttempt(ended: EndedAttempt): CallDecision {
  const { cause } = ended;
  if (cause.disposition === 'answered') return final('hang_up', 'answered');
  if (ended.campaignFinished) return final(endSignal(cause.disposition), 'campaign_finished');
  const rule = ended.policy.rules[cause.disposition] ?? {};
  if (cause.consequence === 'never' || rule.retry === false) {
    return final(endSignal(cause.disposition), cause.disposition);
  }
  if (cause.consequence === 'again') return { signal: 'retry', reason: cause.disposition, retryInSeconds: 0 };
  if (cause.consequence === 'back_off') return backOff(ended, rule);
  const max = rule.maxAttempts ?? ended.maxAttempts ?? ended.policy.maxAttempts;
  if (ended.chargedAttempts >= max) return final('give_up', 'attempts_spent');
  const retryInSeconds = rule.afterSeconds ?? ended.retryAfterSeconds ?? ended.policy.afterSeconds;
  return { signal: 'retry', reason: cause.disposition, retryInSeconds };
}

function backOff({ cause, unchargedAttempts }: EndedAttempt, rule: RetryRule): CallDecision {
  if (unchargedAttempts >= (rule.maxAttempts ?? unchargedCap)) return final('fault', cause.disposition);
  const retryInSeconds = rule.afterSeconds ?? backOffSeconds * 2 ** (unchargedAttempts - 1);
  return { signal: 'retry', reason: cause.disposition, retryInSeconds };
}

function final(signal: CallSignal, reason: string): CallDecision {
  return { signal, reason, retryInSeconds: null };
}

/** Ends that are a fault of a side, not the customer's choice. */
export const faultDispositions: readonly Disposition[] = [
  'invalid_number',
  'congestion',
  'trunk_fault',
  'media_fault',
  'bot_fault',
  'lost',
];

/** The signal that ends a call that was tried and will not be tried again, after its last disposition. */
export function endSignal(last: Disposition): CallSignal {
  return faultDispositions.includes(last) ? 'fault' : 'give_up';
}
