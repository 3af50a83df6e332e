import { v7 as uuidv7 } from 'uuid';
import type { NewCall } from '../api/calls.js';
import { faultDispositions } from '../domain/retry.js';
import type { CallStatus } from '../domain/status.js';
import { campaignEvent, type Emit } from '../events/outbox.js';
import type { Tx } from './pool.js';

/** A call to add; `e164` is null when its phone cannot be read. */
export interface CallToAdd extends NewCall {
  e164: string | null;
}

export interface AddedCalls {
  /** In the order given; a duplicate has the id of the call that is there. */
  ids: string[];
  accepted: number;
  invalid: number;
  duplicates: number;
}

/** Adds calls in one statement. Each row becomes a call, or is a duplicate of one; none is lost. */
export async function addCalls(
  tx: Tx,
  { accountId, campaignId }: { accountId: string; campaignId: string },
  calls: readonly CallToAdd[],
): Promise<AddedCalls> {
  const rows = calls.map((call) => ({ ...call, id: uuidv7() }));
  const { rows: added } = await tx.query<{ id: string; e164: string | null }>(
    `insert into calls (id, campaign_id, account_id, phone, e164, status, reason, priority, payload, timezone,
        not_before, not_after, windows, max_attempts, retry_after_seconds, next_attempt_at)
      select id, $1, $2, coalesce(e164, phone), e164,
        case when e164 is null then 'technical_error' else 'planned' end,
        case when e164 is null then 'invalid_number' end,
        coalesce(priority, 0), payload, timezone, "notBefore", "notAfter", windows, "maxAttempts",
        "retryAfterSeconds", case when e164 is not null then greatest(now(), "notBefore") end
      from jsonb_to_recordset($3) c (id uuid, phone text, e164 text, priority smallint, payload jsonb, timezone text,
        "notBefore" timestamptz, "notAfter" timestamptz, windows jsonb, "maxAttempts" smallint,
        "retryAfterSeconds" integer)
      order by id
      on conflict (campaign_id, e164) do nothing
      returning id, e164`,
    [campaignId, accountId, JSON.stringify(rows)],
  );
  const made = new Set(added.map((row) => row.id));
  const missed = rows.filter((row) => !made.has(row.id)).map((row) => row.e164);
  const known = new Map<string | null, string>();
  if (missed.length > 0) {
    const found = await tx.query<{ id: string; e164: string }>(
      'select id, e164 from calls where campaign_id = $1 and e164 = any ($2)',
      [campaignId, missed],
    );
    for (const row of found.rows) known.set(row.e164, row.id);
  }
  const invalid = added.filter((row) => row.e164 === null).length;
  return {
    ids: rows.map((row) => (made.has(row.id) ? row.id : (known.get(row.e164) ?? row.id))),
    accepted: added.length - invalid,
    invalid,
    duplicates: missed.length,
  };
}

interface EndedCall {
  id: string;
  phone: string;
  before: CallStatus;
  after: CallStatus;
  attempts: number;
  version: number;
}

/** Ends the named calls that wait, with an event each. Those under way go on. Gives how many were ended. */
export async function cancelCalls(
  tx: Tx,
  emit: Emit,
  { accountId, campaignId }: { accountId: string; campaignId: string },
  { ids, phones }: { ids: readonly string[]; phones: readonly string[] },
): Promise<number> {
  const { rows } = await tx.query<EndedCall>(
    `with waiting as (
        select id, status as before from calls
        where campaign_id = $1 and next_attempt_at is not null and (id = any ($2::uuid[]) or e164 = any ($3))
        for update
      )
      update calls c set
        status = case when c.attempts = 0 then 'not_dialed'
          when c.last_disposition = any ($4) then 'technical_error' else 'completed_without_answer' end,
        reason = 'cancelled', next_attempt_at = null, version = version + 1, updated_at = now()
      from waiting w where c.id = w.id
      returning c.id, c.phone, w.before, c.status as after, c.attempts, c.version`,
    [campaignId, ids, phones, faultDispositions],
  );
  for (const row of rows) {
    emit(
      campaignEvent(accountId, campaignId, {
        type: 'call.status_changed',
        data: {
          callId: row.id,
          campaignId,
          phone: row.phone,
          from: row.before,
          to: row.after,
          reason: 'cancelled',
          attempts: row.attempts,
          nextAttemptAt: null,
          version: row.version,
        },
      }),
    );
  }
  return rows.length;
}
