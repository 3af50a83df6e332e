import { z } from 'zod';
import { cursor, type Cursor } from '@dialstream/shared/events/contract.js';

/** What passes between a client and the gateway, whatever carries it. */

export const subscribeRequest = z.strictObject({
  topic: z.string().min(1).max(100),
  cursor: cursor.nullish(),
  mode: z.literal('stream').optional(),
});
export type SubscribeRequest = z.infer<typeof subscribeRequest>;

export const unsubscribeRequest = z.strictObject({ topic: z.string().min(1).max(100) });

/**
 * Why a subscription was refused. `unavailable`, `too_slow` and `superseded` may be tried again; a request
 * is superseded by a later one for its topic on the same connection.
 */
export type RefusalCode =
  | 'bad_request'
  | 'not_found'
  | 'forbidden'
  | 'too_many'
  | 'too_slow'
  | 'superseded'
  | 'unavailable';

/** Why a subscription ended that the client did not end. It is to subscribe again. */
export type ResyncCode = 'epoch_changed' | 'trimmed' | 'too_slow' | 'unavailable';

export type SubscribeAck =
  | { ok: true; topic: string; recovered: true; cursor: Cursor }
  | { ok: true; topic: string; recovered: false; cursor: Cursor; snapshot: object }
  | { ok: false; code: RefusalCode };

export type UnsubscribeAck = { ok: true; topic: string } | { ok: false; code: RefusalCode };

/** The last event of each subscribed topic that was sent to this client before. */
export type Heads = Record<string, Cursor>;
