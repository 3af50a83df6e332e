import { z } from 'zod';
import { callingWindow, timezone } from '../domain/campaign.js';
import { attemptStates, callStatuses, dispositions } from '../domain/status.js';
import { sipEnd } from '../events/contract.js';
import { instant } from './instant.js';

/** One call to add. A phone that cannot be read is no error: it becomes a call with `technical_error`. */
export const newCall = z.strictObject({
  phone: z
    .string()
    .max(100)
    .describe(
      'In any common notation; without a country code it is of the country of the account. One that cannot be ' +
        'read becomes a call with `technical_error`.',
    ),
  timezone: timezone.optional(),
  priority: z.int().min(0).max(100).optional().describe('The higher goes first.'),
  payload: z
    .record(z.string().max(200), z.unknown())
    .optional()
    .describe('What you want to find again beside the call.'),
  notBefore: instant.optional(),
  notAfter: instant.optional(),
  windows: z.array(callingWindow).max(100).optional(),
  maxAttempts: z.int().min(1).max(100).optional(),
  retryAfterSeconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .optional(),
});
export type NewCall = z.infer<typeof newCall>;

export const addCalls = z.strictObject({ calls: z.array(newCall).min(1).max(10_000) });

export const addedCalls = z.object({
  /** In the order sent; a duplicate has the id of the call that is there. */
  ids: z.array(z.string()),
  accepted: z.int(),
  invalid: z.int(),
  duplicates: z.int(),
});

/** Calls to give up, by id or by phone. */
export const callsToCancel = z
  .strictObject({
    ids: z.array(z.uuid()).max(10_000).default([]),
    phones: z.array(z.string().max(100)).max(10_000).default([]),
  })
  .refine(({ ids, phones }) => ids.length + phones.length > 0, {
    path: ['ids'],
    message: 'or phones must name a call',
  });

export const cancelledCalls = z.object({ cancelled: z.int() });

export const call = z.object({
  id: z.string(),
  campaignId: z.string(),
  phone: z.string().describe('E.164 with `+`; as it was sent when it cannot be read.'),
  status: z.enum(callStatuses),
  reason: z.string().nullable().describe('Why it is in its status; a final call always has one.'),
  payload: z.record(z.string(), z.unknown()),
  attempts: z.int().describe('Attempts made, the one under way included.'),
  attempt: z
    .object({ number: z.int(), state: z.enum(attemptStates), since: z.iso.datetime() })
    .nullable()
    .describe('The attempt under way; `number` counts from 1.'),
  nextAttemptAt: z.iso.datetime().nullable(),
  lastDisposition: z.enum(dispositions).nullable(),
  timezone: z.string().nullable(),
  priority: z.int(),
  updatedAt: z.iso.datetime(),
  version: z.int(),
});
export type Call = z.infer<typeof call>;

export const attempt = z.object({
  number: z.int(),
  state: z.enum(attemptStates),
  trunkId: z.string(),
  callerId: z.string().nullable(),
  startedAt: z.iso.datetime(),
  ringingAt: z.iso.datetime().nullable(),
  answeredAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  talkSeconds: z.number(),
  billedSeconds: z.int(),
  disposition: z.enum(dispositions).nullable(),
  charged: z
    .boolean()
    .nullable()
    .describe("Whether it used up one of the customer's attempts; null while it is under way."),
  sip: sipEnd,
  rule: z.string().nullable().describe('Id of the rule that mapped the SIP answer to the disposition.'),
});
export type Attempt = z.infer<typeof attempt>;

/**
 * `GET /v1/calls/:id`: `attempts` stays the number, the attempts themselves stand in `attemptList`.
 */
export const callWithAttempts = call.extend({ attemptList: z.array(attempt) });
export type CallWithAttempts = z.infer<typeof callWithAttempts>;
