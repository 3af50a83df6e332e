import { z } from 'zod';
import { counts } from '../domain/campaign.js';
import {
  attemptStates,
  callStatuses,
  campaignStatuses,
  dispositions,
  reasonCodes,
} from '../domain/status.js';

/** Every event that is streamed: one schema for types, validation and documents. Names are past tense. */

const id = z.string();

export const statusReason = z
  .object({
    code: z.enum(reasonCodes),
    message: z.string(),
    actor: z.string().describe('`system`, or the name of the key that did it.'),
    at: z.iso.datetime(),
  })
  .describe('Why a campaign is in its status.');
export type StatusReason = z.infer<typeof statusReason>;

export const sipEnd = z
  .object({
    code: z.int().nullable().describe('The SIP status code.'),
    phrase: z.string().nullable(),
    q850: z.int().nullable().describe('The cause of ITU-T Q.850, where the Reason header has one.'),
    callId: z.string().describe('The SIP Call-ID.'),
  })
  .describe('How an attempt ended in SIP.');
export type SipEnd = z.infer<typeof sipEnd>;

export const accountLimits = z
  .object({
    id,
    name: z.string(),
    minutes: z.object({ balance: z.number().nullable(), reserved: z.number() }),
    uniqueUsers: z.object({ limit: z.int().nullable(), used: z.int() }),
    maxConcurrent: z.int().nullable(),
  })
  .describe('What an account may use. Minutes have a fraction; null: no limit.');
export type AccountLimits = z.infer<typeof accountLimits>;

export const dialerStatus = z.enum(['up', 'draining', 'down']);
export type DialerStatus = z.infer<typeof dialerStatus>;

export const eventData = {
  'campaign.created': z.object({
    campaignId: id,
    name: z.string(),
    /** Its `at` is the campaign's `createdAt`. */
    reason: statusReason.optional(),
    version: z.int(),
  }),
  'campaign.updated': z.object({ campaignId: id, name: z.string(), version: z.int() }),
  'campaign.status_changed': z.object({
    campaignId: id,
    from: z.enum(campaignStatuses),
    to: z.enum(campaignStatuses),
    reason: statusReason,
    version: z.int(),
  }),
  'campaign.counts': z.object({
    campaignId: id,
    counts,
    activeAttempts: z.int().describe('Attempts dialing, ringing or talking right now.'),
    version: z
      .int()
      .describe(
        "Counts up with every change of the counts; the campaign's `countsVersion`, not its `version`.",
      ),
  }),
  'campaign.deleted': z.object({ campaignId: id, version: z.int() }),
  'call.status_changed': z.object({
    callId: id,
    campaignId: id,
    phone: z.string().describe('E.164 with `+`; as it was sent when it cannot be read.'),
    from: z.enum(callStatuses),
    to: z.enum(callStatuses),
    reason: z.string().nullable().describe('A final call always has one.'),
    attempts: z.int().describe('Attempts made, the one under way included.'),
    nextAttemptAt: z.iso.datetime().nullable().describe('Set while the call waits.'),
    version: z.int(),
  }),
  'attempt.changed': z.object({
    callId: id,
    campaignId: id,
    phone: z.string(),
    number: z.int().describe('Counts from 1 within the call.'),
    state: z.enum(attemptStates),
    trunkId: id,
    disposition: z.enum(dispositions).optional().describe('How it ended; only with a final `state`.'),
    sip: sipEnd.optional(),
    version: z.int(),
  }),
  'import.progress': z.object({
    importId: id,
    campaignId: id,
    status: z.enum(['running', 'done', 'failed']),
    rows: z.int(),
    accepted: z.int(),
    invalid: z.int(),
    duplicates: z.int(),
  }),
  'trunk.status_changed': z.object({
    trunkId: id,
    from: z.enum(['up', 'down']),
    to: z.enum(['up', 'down']),
    reason: z.string(),
  }),
  'dialer.status_changed': z.object({
    dialerId: id,
    host: z.string(),
    from: dialerStatus,
    to: dialerStatus,
  }),
  'account.limit_changed': z.object({
    accountId: id,
    limit: z.string().describe('Which one: `minutes`, `uniqueUsers` or `maxConcurrent`.'),
    account: accountLimits,
  }),
} as const;

export type EventType = keyof typeof eventData;
export type EventData<T extends EventType> = z.infer<(typeof eventData)[T]>;

/** What a change says has happened, before it has a place in a topic. */
export type Happening = { [T in EventType]: { type: T; data: EventData<T> } }[EventType];

const envelope = <T extends EventType>(type: T) =>
  z.object({
    specversion: z.literal('1.0'),
    id: z.string().describe('The same in every topic that the event goes to.'),
    source: z.string().describe('`/campaigns/<id>` or `/accounts/<id>`.'),
    type: z.literal(type),
    subject: z.string().describe('Id of what it happened to: a call, a campaign, a trunk.'),
    time: z.iso.datetime(),
    topic: z.string().describe('As it was subscribed to.'),
    epoch: z.string().describe("The life of the topic's log."),
    seq: z.int().min(1).describe('Counts up by one within a topic and epoch; not so in `latest` mode.'),
    previousSeq: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a ' +
          'client at `previousSeq` or later has missed none.',
      ),
    data: eventData[type],
  });

/** One event as subscribers get it: CloudEvents 1.0 with its place in a topic. */
export const liveEvent = z.discriminatedUnion('type', [
  envelope('campaign.created'),
  envelope('campaign.updated'),
  envelope('campaign.status_changed'),
  envelope('campaign.counts'),
  envelope('campaign.deleted'),
  envelope('call.status_changed'),
  envelope('attempt.changed'),
  envelope('import.progress'),
  envelope('trunk.status_changed'),
  envelope('dialer.status_changed'),
  envelope('account.limit_changed'),
]);
export type LiveEvent = z.infer<typeof liveEvent>;

export const cursor = z
  .strictObject({ epoch: z.string().max(100), seq: z.int().min(0) })
  .describe('A place in a topic. `seq` counts up by one; a new `epoch` means that the log was lost.');
export type Cursor = z.infer<typeof cursor>;
