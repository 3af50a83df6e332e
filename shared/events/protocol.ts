import { z } from 'zod';
import { cursor, liveEvent } from './contract.js';
import { campaignSnapshot, campaignsSnapshot, systemSnapshot } from './snapshots.js';

/**
 * What passes between a client and the gateway. Socket.IO carries each message as the event of its name with
 * an acknowledgement; plain WebSocket as a JSON text frame that says its name in `op`.
 */

export const subscriptionModes = ['stream', 'latest'] as const;
export type SubscriptionMode = (typeof subscriptionModes)[number];

export const subscribeRequest = z.strictObject({
  topic: z.string().min(1).max(100).describe('`campaigns`, `campaign:<id>` or `system`.'),
  cursor: cursor
    .nullish()
    .describe('The last event that the client has applied; left out: start with a snapshot.'),
  mode: z
    .enum(subscriptionModes)
    .optional()
    .describe(
      '`stream`, the default: every event. `latest`: at most every 500 ms, with only the newest counts of each ' +
        'campaign and without the events of calls.',
    ),
});
export type SubscribeRequest = z.infer<typeof subscribeRequest>;

export const unsubscribeRequest = z.strictObject({ topic: z.string().min(1).max(100) });

/**
 * Why a request was refused. `unavailable`, `too_slow`, `rate_limited` and `superseded` may be tried again; a
 * request is superseded by a later one for its topic on the same connection.
 */
export const refusalCodes = [
  'bad_request',
  'not_found',
  'forbidden',
  'too_many',
  'too_slow',
  'rate_limited',
  'superseded',
  'unavailable',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

const refusal = z.object({ ok: z.literal(false), code: z.enum(refusalCodes) });

export const subscribeAck = z.union([
  z.object({ ok: z.literal(true), topic: z.string(), recovered: z.literal(true), cursor }),
  z.object({
    ok: z.literal(true),
    topic: z.string(),
    recovered: z.literal(false),
    cursor,
    snapshot: z.union([campaignsSnapshot, campaignSnapshot, systemSnapshot]),
  }),
  refusal,
]);
export type SubscribeAck = z.infer<typeof subscribeAck>;

export const unsubscribeAck = z.union([z.object({ ok: z.literal(true), topic: z.string() }), refusal]);
export type UnsubscribeAck = z.infer<typeof unsubscribeAck>;

export const head = cursor
  .extend({
    sentSeq: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Only in `latest` mode: the last event that was sent, or the one that the subscription began with.',
      ),
  })
  .describe(
    'How far a subscription is: the last event of the topic that was sent, or that its mode leaves out.',
  );
export type Head = z.infer<typeof head>;

export const heartbeat = z.object({ heads: z.record(z.string(), head).describe('By topic.') });
export type Heads = z.infer<typeof heartbeat>['heads'];

/** Why a subscription ended that the client did not end. It is to subscribe again. */
export const resyncCodes = ['epoch_changed', 'trimmed', 'too_slow', 'rights_changed', 'unavailable'] as const;
export type ResyncCode = (typeof resyncCodes)[number];

export const resync = z.object({ topic: z.string(), code: z.enum(resyncCodes) });
export type Resync = z.infer<typeof resync>;

const requestId = z
  .union([z.int(), z.string().max(100)])
  .describe('Names a request, so that its acknowledgement can be told; chosen by the client.');

/** WebSocket, client to gateway. */
export const clientFrame = z.discriminatedUnion('op', [
  subscribeRequest.extend({ op: z.literal('subscribe'), id: requestId.optional() }),
  unsubscribeRequest.extend({ op: z.literal('unsubscribe'), id: requestId.optional() }),
]);
export type ClientFrame = z.infer<typeof clientFrame>;

const ackPlace = { op: z.literal('ack'), id: requestId.optional() };

/** WebSocket, gateway to client. */
export const serverFrames = {
  ack: z.union([
    ...subscribeAck.options.map((option) => option.extend(ackPlace)),
    ...unsubscribeAck.options.map((option) => option.extend(ackPlace)),
  ]),
  event: z.union(liveEvent.options.map((option) => option.extend({ op: z.literal('event') }))),
  heartbeat: heartbeat.extend({ op: z.literal('heartbeat') }),
  resync: resync.extend({ op: z.literal('resync') }),
  /** A frame that could not be read. */
  error: z.object({ op: z.literal('error'), code: z.literal('bad_request'), detail: z.string() }),
} as const;

/** Codes with which the gateway closes a WebSocket (RFC 6455, section 7.4). */
export const closeCodes = {
  /** The gateway stops; another one, or this one soon, goes on from the cursor. */
  restart: 1012,
  /** A frame had more than 16 KiB. */
  tooBig: 1009,
  /** The token does not hold any more. */
  unauthorized: 4401,
  /** It reads nothing, but keeps asking. */
  tooSlow: 4408,
  /** More messages than a connection or a key may send. */
  rateLimited: 4429,
} as const;
