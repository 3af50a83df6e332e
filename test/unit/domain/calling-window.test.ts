import { describe, expect, test } from 'vitest';
import { nextOpening } from '@dialstream/shared/domain/calling-window.js';
import { schedule, type Schedule } from '@dialstream/shared/domain/campaign.js';

const weekdayMornings = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '12:00' };

function opening(settings: object, now: string, call: { timezone?: string } = {}): string | null {
  const parsed: Schedule = schedule.parse(settings);
  const instant = nextOpening(parsed, { timezone: call.timezone ?? null, windows: null }, new Date(now));
  return instant?.toISOString() ?? null;
}

describe('a call may be made', () => {
  test('at any time without windows', () => {
    expect(opening({}, '2026-11-24T03:00:00.000Z')).toBe('2026-11-24T03:00:00.000Z');
  });

  test('inside a window of the campaign in its zone', () => {
    const settings = { timezone: 'Europe/Berlin', windows: [weekdayMornings] };
    expect(opening(settings, '2026-11-24T08:00:00.000Z')).toBe('2026-11-24T08:00:00.000Z');
    expect(opening(settings, '2026-11-24T10:59:59.000Z')).toBe('2026-11-24T10:59:59.000Z');
  });

  test('else when the next window opens', () => {
    const settings = { timezone: 'Europe/Berlin', windows: [weekdayMornings] };
    expect(opening(settings, '2026-11-24T07:59:30.000Z')).toBe('2026-11-24T08:00:00.000Z');
    expect(opening(settings, '2026-11-24T11:00:00.000Z')).toBe('2026-11-25T08:00:00.000Z');
    // Friday noon to Monday morning.
    expect(opening(settings, '2026-11-27T11:00:00.000Z')).toBe('2026-11-30T08:00:00.000Z');
  });

  test('not on an excluded date', () => {
    const settings = { timezone: 'Europe/Berlin', windows: [weekdayMornings], excludedDates: ['2026-11-25'] };
    expect(opening(settings, '2026-11-24T11:00:00.000Z')).toBe('2026-11-26T08:00:00.000Z');
    expect(opening({ excludedDates: ['2026-11-24'] }, '2026-11-24T11:00:00.000Z')).toBe(
      '2026-11-25T00:00:00.000Z',
    );
  });

  test('in the zone of the callee when the campaign says so', () => {
    const settings = { timezone: 'Europe/Berlin', useCalleeTimezone: true, windows: [weekdayMornings] };
    const tokyo = { timezone: 'Asia/Tokyo' };
    expect(opening(settings, '2026-11-24T01:00:00.000Z', tokyo)).toBe('2026-11-24T01:00:00.000Z');
    expect(opening(settings, '2026-11-24T08:00:00.000Z', tokyo)).toBe('2026-11-25T00:00:00.000Z');
    expect(opening({ ...settings, useCalleeTimezone: false }, '2026-11-24T08:00:00.000Z', tokyo)).toBe(
      '2026-11-24T08:00:00.000Z',
    );
  });

  test('at the right hour after the clocks were changed', () => {
    const settings = { timezone: 'Europe/Berlin', windows: [{ ...weekdayMornings, days: ['sun'] }] };
    // 29 March 2026 is the Sunday on which Berlin goes from +1 to +2, 25 October the one back.
    expect(opening(settings, '2026-03-28T12:00:00.000Z')).toBe('2026-03-29T07:00:00.000Z');
    expect(opening(settings, '2026-10-24T12:00:00.000Z')).toBe('2026-10-25T08:00:00.000Z');
  });

  test('never, when no window opens within a year', () => {
    const settings = {
      windows: [{ days: ['mon'], from: '09:00', to: '10:00' }],
      excludedDates: [] as string[],
    };
    const mondays = Array.from({ length: 60 }, (_, i) =>
      new Date(Date.UTC(2026, 10, 30 + 7 * i)).toISOString().slice(0, 10),
    );
    expect(opening({ ...settings, excludedDates: mondays }, '2026-11-24T12:00:00.000Z')).toBeNull();
  });
});
