import { describe, expect, test } from 'vitest';
import { causeOf, type Consequence, type SipFailure } from '@dialstream/shared/domain/cause.js';
import type { Disposition } from '@dialstream/shared/domain/status.js';

type Row = [
  sip: Partial<SipFailure> & { code: number },
  disposition: Disposition,
  consequence: Consequence,
  rule: string,
];

/** The SIP table of the design, one row each. */
const rows: Row[] = [
  [{ code: 486 }, 'busy', 'retry', 'busy'],
  [{ code: 600 }, 'busy', 'retry', 'busy'],
  [{ code: 408, rang: true }, 'no_answer', 'retry', 'timeout-after-ringing'],
  [{ code: 487, rang: true, canceledFor: 'ring_timeout' }, 'no_answer', 'retry', 'ring-timeout'],
  [{ code: 408, rang: true, canceledFor: 'ring_timeout' }, 'no_answer', 'retry', 'ring-timeout'],
  [{ code: 480 }, 'unavailable', 'retry', 'unavailable'],
  [{ code: 408 }, 'trunk_fault', 'back_off', 'no-reply'],
  [{ code: 487, canceledFor: 'ring_timeout' }, 'trunk_fault', 'back_off', 'silent-timeout'],
  [{ code: 408, canceledFor: 'ring_timeout' }, 'trunk_fault', 'back_off', 'silent-timeout'],
  [{ code: 487, rang: true, canceledFor: 'command' }, 'canceled', 'again', 'canceled-by-us'],
  [{ code: 487, canceledFor: 'command' }, 'canceled', 'again', 'canceled-by-us'],
  [{ code: 408, canceledFor: 'command' }, 'canceled', 'again', 'canceled-by-us'],
  [{ code: 486, canceledFor: 'command' }, 'busy', 'retry', 'busy'],
  [{ code: 487, rang: true }, 'canceled', 'retry', 'canceled-by-far-end'],
  [{ code: 404 }, 'invalid_number', 'never', 'no-such-number'],
  [{ code: 410 }, 'invalid_number', 'never', 'no-such-number'],
  [{ code: 484 }, 'invalid_number', 'never', 'no-such-number'],
  [{ code: 604 }, 'invalid_number', 'never', 'no-such-number'],
  [{ code: 603 }, 'rejected', 'retry', 'declined'],
  [{ code: 607 }, 'rejected', 'never', 'unwanted'],
  [{ code: 608 }, 'rejected', 'never', 'blocked-by-analytics'],
  [{ code: 401 }, 'trunk_fault', 'back_off', 'not-authorized'],
  [{ code: 403 }, 'trunk_fault', 'back_off', 'not-authorized'],
  [{ code: 407 }, 'trunk_fault', 'back_off', 'not-authorized'],
  [{ code: 428 }, 'trunk_fault', 'back_off', 'identity'],
  [{ code: 429 }, 'trunk_fault', 'back_off', 'identity'],
  [{ code: 437 }, 'trunk_fault', 'back_off', 'identity'],
  [{ code: 438 }, 'trunk_fault', 'back_off', 'identity'],
  [{ code: 415 }, 'media_fault', 'never', 'media-refused'],
  [{ code: 488 }, 'media_fault', 'never', 'media-refused'],
  [{ code: 606 }, 'media_fault', 'never', 'media-refused'],
  [{ code: 503 }, 'congestion', 'back_off', 'overloaded'],
  [{ code: 500 }, 'trunk_fault', 'back_off', 'server-failure'],
  [{ code: 502 }, 'trunk_fault', 'back_off', 'server-failure'],
  [{ code: 504 }, 'trunk_fault', 'back_off', 'server-failure'],
  [{ code: 580 }, 'trunk_fault', 'back_off', 'server-failure'],
  [{ code: 0 }, 'trunk_fault', 'back_off', 'transport-error'],
  [{ code: 302 }, 'trunk_fault', 'back_off', 'too-many-redirects'],
  [{ code: 420 }, 'trunk_fault', 'back_off', 'request-refused'],
  [{ code: 699 }, 'rejected', 'retry', 'refused-everywhere'],
];

describe('a SIP failure maps to a disposition', () => {
  test.each(rows)('%o is %s, then %s, by the rule %s', (sip, disposition, consequence, rule) => {
    const cause = causeOf({ rang: false, canceledFor: null, ...sip });
    expect(cause).toMatchObject({ id: rule, disposition, consequence });
  });
});

test('every code there is has a rule', () => {
  for (let code = 300; code < 700; code += 1) {
    expect(causeOf({ code, rang: false, canceledFor: null }).id).not.toBe('no-sip-code');
  }
});

test('only 607 puts the number on the suppression list', () => {
  const suppressing = Array.from({ length: 400 }, (_, i) => 300 + i).filter(
    (code) => causeOf({ code, rang: false, canceledFor: null }).suppress,
  );
  expect(suppressing).toEqual([607]);
});
