import { describe, expect, test } from 'vitest';
import { causeOf, ownCauses } from '@dialstream/shared/domain/cause.js';
import {
  decideAfterAttempt,
  endSignal,
  isCharged,
  unchargedCap,
  type EndedAttempt,
} from '@dialstream/shared/domain/retry.js';
import { dispositions } from '@dialstream/shared/domain/status.js';

const sip = (code: number, rang = false) => causeOf({ code, rang, canceledFor: null });
const canceled = causeOf({ code: 487, rang: true, canceledFor: 'command' });

function decide(given: Partial<EndedAttempt>) {
  return decideAfterAttempt({
    cause: sip(486),
    chargedAttempts: 1,
    unchargedAttempts: 0,
    policy: { maxAttempts: 3, afterSeconds: 1800, rules: {} },
    maxAttempts: null,
    retryAfterSeconds: null,
    campaignFinished: false,
    ...given,
  });
}

describe('after an attempt', () => {
  test('an answered call is over', () => {
    expect(decide({ cause: ownCauses.hangUp })).toEqual({
      signal: 'hang_up',
      reason: 'answered',
      retryInSeconds: null,
    });
  });

  test('an unanswered one is retried as the campaign says', () => {
    expect(decide({})).toEqual({ signal: 'retry', reason: 'busy', retryInSeconds: 1800 });
  });

  test('the last attempt allowed ends it without answer', () => {
    expect(decide({ chargedAttempts: 3 })).toEqual({
      signal: 'give_up',
      reason: 'attempts_spent',
      retryInSeconds: null,
    });
  });

  test('the rule of a disposition goes before the call, the call before the campaign', () => {
    const policy = {
      maxAttempts: 3,
      afterSeconds: 1800,
      rules: { busy: { afterSeconds: 300, maxAttempts: 5 } },
    };
    expect(decide({ policy, retryAfterSeconds: 60, chargedAttempts: 4 }).retryInSeconds).toBe(300);
    expect(decide({ policy, chargedAttempts: 5 }).signal).toBe('give_up');
    expect(decide({ retryAfterSeconds: 60 }).retryInSeconds).toBe(60);
    expect(decide({ maxAttempts: 1 }).signal).toBe('give_up');
  });

  test('a disposition can be excluded from retries', () => {
    const policy = { maxAttempts: 3, afterSeconds: 0, rules: { busy: { retry: false } } };
    expect(decide({ policy })).toMatchObject({ signal: 'give_up', reason: 'busy' });
  });

  test('a number that does not exist is a technical error at once', () => {
    expect(decide({ cause: sip(404) })).toMatchObject({ signal: 'fault', reason: 'invalid_number' });
  });

  test('a customer who wants no calls gets none again', () => {
    expect(decide({ cause: sip(607) })).toMatchObject({ signal: 'give_up', reason: 'rejected' });
  });

  test('a fault of our side backs off, longer each time, and has a cap of its own', () => {
    const cause = sip(503);
    const waits = [1, 2].map((unchargedAttempts) => decide({ cause, unchargedAttempts }).retryInSeconds);
    expect(waits).toEqual([10, 20]);
    expect(decide({ cause, unchargedAttempts: unchargedCap })).toMatchObject({
      signal: 'fault',
      reason: 'congestion',
    });
    expect(isCharged(cause)).toBe(false);
  });

  test('an attempt that we cancelled is made again and counts nothing', () => {
    expect(decide({ cause: canceled, unchargedAttempts: 99, chargedAttempts: 99 })).toEqual({
      signal: 'retry',
      reason: 'canceled',
      retryInSeconds: 0,
    });
    expect(isCharged(canceled)).toBe(false);
  });

  test('a finished campaign retries nothing', () => {
    expect(decide({ campaignFinished: true, cause: canceled })).toMatchObject({
      signal: 'give_up',
      reason: 'campaign_finished',
    });
    expect(decide({ campaignFinished: true, cause: sip(503) }).signal).toBe('fault');
    expect(decide({ campaignFinished: true, cause: ownCauses.hangUp }).signal).toBe('hang_up');
  });
});

test('every disposition ends a call in one of two ways', () => {
  const faults = dispositions.filter((disposition) => endSignal(disposition) === 'fault');
  expect(faults).toEqual(['invalid_number', 'congestion', 'trunk_fault', 'media_fault', 'bot_fault', 'lost']);
});
