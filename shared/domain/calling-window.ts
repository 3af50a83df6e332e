import { weekdays, type CallingWindow, type Schedule } from './campaign.js';

/** Local time in a zone. `minute` counts from midnight. */
interface LocalTime {
  date: string;
  weekday: (typeof weekdays)[number];
  minute: number;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A year and a day: past it, a schedule that opens never is taken for one. */
const horizonDays = 367;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timezone, format);
  }
  return format;
}

function localTime(instant: Date, timezone: string): LocalTime {
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatOf(timezone).formatToParts(instant)) part[type] = value;
  const weekday = weekdays.find((day) => day === part.weekday?.toLowerCase().slice(0, 3)) ?? 'mon';
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    weekday,
    minute: Number(part.hour) * 60 + Number(part.minute),
  };
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function isOpen(local: LocalTime, windows: readonly CallingWindow[], excluded: readonly string[]): boolean {
  return (
    !excluded.includes(local.date) &&
    windows.some(
      ({ days, from, to }) =>
        days.includes(local.weekday) && local.minute >= minuteOf(from) && local.minute < minuteOf(to),
    )
  );
}

/**
 * The first instant from `now` on at which a call may be made: `now` itself inside a window, null when no
 * window opens within a year. No windows mean any time of a day that is not excluded. Windows are read in the
 * call's zone where the schedule says so and the call has one, else in the schedule's.
 */
export function nextOpening(
  schedule: Schedule,
  call: { timezone: string | null; windows: CallingWindow[] | null },
  now: Date,
): Date | null {
  const windows = call.windows ?? schedule.windows;
  const { excludedDates } = schedule;
  if (windows.length === 0 && excludedDates.length === 0) return now;
  const timezone = (schedule.useCalleeTimezone ? call.timezone : null) ?? schedule.timezone;
  const always: CallingWindow[] = [{ days: [...weekdays], from: '00:00', to: '24:00' }];
  const effective = windows.length === 0 ? always : windows;
  const open = (instant: Date): boolean => isOpen(localTime(instant, timezone), effective, excludedDates);
  if (open(now)) return now;
  for (let day = 0; day < horizonDays; day += 1) {
    const openings = openingsOfDay(new Date(now.getTime() + day * dayMs), timezone, effective, excludedDates);
    const later = openings.filter((instant) => instant > now && open(instant));
    if (later[0] !== undefined) return later[0];
  }
  return null;
}

/** The instants at which windows open on the local day of `instant`, in their order. */
function openingsOfDay(
  instant: Date,
  timezone: string,
  windows: readonly CallingWindow[],
  excluded: readonly string[],
): Date[] {
  const local = localTime(instant, timezone);
  if (excluded.includes(local.date)) return [];
  return windows
    .filter(({ days }) => days.includes(local.weekday))
    .map(({ from }) => atMinute(instant, local, minuteOf(from), timezone))
    .toSorted((a, b) => a.getTime() - b.getTime());
}

/** The instant of a minute of the local day; where clocks skip it, the first that exists after it. */
function atMinute(instant: Date, local: LocalTime, minute: number, timezone: string): Date {
  const whole = Math.floor(instant.getTime() / minuteMs) * minuteMs;
  const guess = new Date(whole + (minute - local.minute) * minuteMs);
  // The offset may have changed between the two: correct once by what the guess reads as.
  const read = localTime(guess, timezone);
  const drift = read.date === local.date ? minute - read.minute : 0;
  return new Date(guess.getTime() + drift * minuteMs);
}
