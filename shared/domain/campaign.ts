import { z } from 'zod';
import { dispositions } from './status.js';

const timeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be HH:MM')
  .describe('Wall-clock time of day, `HH:MM`; `24:00` is the end of the day.');

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** When customers may be called, on these days from `from` until before `to`. */
export const callingWindow = z
  .strictObject({ days: z.array(z.enum(weekdays)).min(1), from: timeOfDay, to: timeOfDay })
  .refine((window) => window.from < window.to, { path: ['to'], message: 'must be later than from' })
  .describe('When customers may be called: on these days from `from` until before `to`.');
export type CallingWindow = z.infer<typeof callingWindow>;

export const timezone = z.string().refine(isTimezone, 'is not an IANA time zone');

/** Asking Intl costs as much as the rest of a call; there are some six hundred zones. */
const knownTimezones = new Map<string, boolean>();
const rememberedTimezones = 2_000;

function isTimezone(name: string): boolean {
  let known = knownTimezones.get(name);
  if (known === undefined) {
    known = intlKnows(name);
    if (knownTimezones.size < rememberedTimezones) knownTimezones.set(name, known);
  }
  return known;
}

function intlKnows(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  // Says in the documents what comes out.
  .pipe(z.string().meta({ format: 'date-time' }));

export const schedule = z.strictObject({
  startAt: instant.nullable().default(null),
  endAt: instant.nullable().default(null),
  timezone: timezone.default('UTC').describe('An IANA time zone.'),
  useCalleeTimezone: z
    .boolean()
    .default(false)
    .describe("Windows are read in the zone of the call where it has one, else in the campaign's."),
  windows: z.array(callingWindow).max(100).default([]).describe('Empty: at any time.'),
  excludedDates: z.array(z.iso.date()).max(1000).default([]),
});
export type Schedule = z.infer<typeof schedule>;

const attemptLimit = z.int().min(1).max(100);
const pause = z
  .int()
  .min(0)
  .max(30 * 86_400)
  .describe('Seconds from the end of an attempt to the next one.');

const retryRule = z.strictObject({
  afterSeconds: pause.optional(),
  maxAttempts: attemptLimit.optional(),
  retry: z.boolean().optional().describe('`false`: never again after such an end.'),
});

export const retryPolicy = z.strictObject({
  maxAttempts: attemptLimit.default(3),
  afterSeconds: pause.default(1800),
  rules: z
    .partialRecord(z.enum(dispositions), retryRule)
    .default({})
    .describe('What is different after which disposition.'),
});

export const pacing = z.strictObject({
  maxConcurrent: z
    .int()
    .min(1)
    .max(100_000)
    .default(50)
    .describe('Attempts under way at once, dialing to talking.'),
  callsPerSecond: z
    .number()
    .min(0.01)
    .max(10_000)
    .default(10)
    .describe('New attempts per second, evenly spaced.'),
});
export type Pacing = z.infer<typeof pacing>;

/** What the customer meets: for now a held line of G.711 silence, then our BYE. */
export const bot = z.strictObject({
  type: z.literal('hold'),
  seconds: z
    .number()
    .min(0.1)
    .max(3600)
    .default(20)
    .describe('Seconds from the answer until we hang up, if the customer does not.'),
});
export type Bot = z.infer<typeof bot>;

export const e164 = z
  .string()
  .regex(/^\+[1-9]\d{5,14}$/, 'must be E.164 with +')
  .describe('A phone number as E.164, with `+`.');

/** What may be set of a campaign. All but `name` have defaults. */
export const campaignSettings = z.strictObject({
  name: z.string().trim().min(1).max(200),
  trunkIds: z.array(z.uuid()).max(20).default([]).describe('Empty: all trunks of the account.'),
  callerIds: z.array(e164).max(1000).default([]),
  schedule: schedule.prefault({}),
  retry: retryPolicy.prefault({}),
  pacing: pacing.prefault({}),
  ringTimeoutSeconds: z.int().min(5).max(180).default(40),
  maxCallSeconds: z.int().min(1).max(14_400).default(600),
  keepOpen: z
    .boolean()
    .default(false)
    .describe('Stays in progress when every call is final, for calls added later.'),
  bot: bot.prefault({ type: 'hold' }),
});
export type CampaignSettings = z.infer<typeof campaignSettings>;

export const counts = z
  .object({
    total: z.int(),
    planned: z.int(),
    in_progress: z.int(),
    retry_scheduled: z.int(),
    answered: z.int(),
    completed_without_answer: z.int(),
    technical_error: z.int(),
    not_dialed: z.int(),
    plan_limit_exceeded: z.int(),
  })
  .describe('Calls by status; `total` is their sum. Exact at every commit.');
export type Counts = z.infer<typeof counts>;
