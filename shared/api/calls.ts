import { z } from 'zod';
import { callingWindow, timezone } from '../domain/campaign.js';
import { attemptStates, callStatuses, dispositions } from '../domain/status.js';
import { sipEnd } from '../events/contract.js';
import { instant } from './instant.js';

/** One call to add. A phone that cannot be read is no error: it becomes a call with `technical_error`. */
export const newCall = z.strictObject({
  phone: z.string().max(100),
  timezone: timezone.optional(),
  /** 0–100; higher goes first. */
  priority: z.int().min(0).max(100).optional(),
  payload: z.record(z.string().max(200), z.unknown()).optional(),
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

export const call = z.object({
  id: z.string(),
  campaignId: z.string(),
  phone: z.string(),
  status: z.enum(callStatuses),
  reason: z.string().nullable(),
  payload: z.record(z.string(), z.unknown()),
  /** Attempts made, the one under way included. */
  attempts: z.int(),
  attempt: z.object({ number: z.int(), state: z.enum(attemptStates), since: z.iso.datetime() }).nullable(),
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
  /** Whether it used up one of the customer's attempts; null while it is under way. */
  charged: z.boolean().nullable(),
  sip: sipEnd,
  /** Id of the rule that mapped the SIP answer. */
  rule: z.string().nullable(),
});
export type Attempt = z.infer<typeof attempt>;

/**
 * `GET /v1/calls/:id`: `attempts` stays the number, the attempts themselves stand in `attemptList`.
 */
export const callWithAttempts = call.extend({ attemptList: z.array(attempt) });
export type CallWithAttempts = z.infer<typeof callWithAttempts>;
