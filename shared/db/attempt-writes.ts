import type { ChangedAttempt } from './attempt-changes.js';
import type { Tx } from './pool.js';

/** Writes changed attempts, all in one statement; a null leaves a column as it is. */
export async function writeAttempts(tx: Tx, changed: ChangedAttempt[]): Promise<void> {
  if (changed.length === 0) return;
  const rows = changed.map(({ attempt, change, state, ended, charged, talkMs, billedSeconds }) => ({
    id: attempt.id,
    state,
    txn_id: change.kind === 'ended' ? null : change.txnId,
    ringing_at: change.kind === 'ringing' ? change.at : null,
    answered_at: change.kind === 'answered' ? change.at : null,
    dialog: change.kind === 'answered' ? change.sipDialog : null,
    ...(change.kind === 'ended' && {
      ended_at: change.at,
      disposition: change.cause.disposition,
      rule: change.cause.id,
      code: change.sip.code,
      phrase: change.sip.phrase,
      q850: change.sip.q850,
    }),
    charged: ended ? charged : null,
    talk_ms: ended ? talkMs : null,
    billed: billedSeconds,
  }));
  await tx.query({
    name: 'write-attempts',
    text: `update attempts a set state = r.state,
        sip_txn_id = coalesce(r.txn_id, a.sip_txn_id), sip_dialog = coalesce(r.dialog, a.sip_dialog),
        ringing_at = coalesce(a.ringing_at, r.ringing_at), answered_at = coalesce(a.answered_at, r.answered_at),
        ended_at = r.ended_at, disposition = r.disposition, rule = r.rule, sip_code = r.code,
        sip_phrase = r.phrase, q850 = r.q850, charged = r.charged, talk_ms = r.talk_ms, billed_seconds = r.billed
      from jsonb_to_recordset($1) r (id uuid, state text, txn_id text, ringing_at timestamptz,
        answered_at timestamptz, dialog jsonb, ended_at timestamptz, disposition text, rule text,
        code smallint, phrase text, q850 smallint, charged boolean, talk_ms integer, billed integer)
      where a.id = r.id`,
    values: [JSON.stringify(rows)],
  });
}

/** Writes the calls of changed attempts; gives when those that wait again are due, by call id. */
export async function writeCalls(tx: Tx, changed: ChangedAttempt[]): Promise<Map<string, string>> {
  if (changed.length === 0) return new Map();
  const rows = changed.map(
    ({ attempt, change, state, callStatus, reason, retryInSeconds, ended, charged }) => ({
      id: attempt.call_id,
      status: callStatus,
      reason,
      state,
      ended,
      charged,
      // Faults in a row: one answer of the customer's side begins the row anew.
      uncharged: uncharged(attempt.uncharged_attempts, change),
      disposition: change.kind === 'ended' ? change.cause.disposition : null,
      retry_in: retryInSeconds,
    }),
  );
  const { rows: due } = await tx.query<{ id: string; next_attempt_at: Date }>({
    name: 'write-calls',
    text: `with written as (
        update calls c set status = r.status, reason = coalesce(r.reason, c.reason),
          charged_attempts = c.charged_attempts + (r.charged)::int, uncharged_attempts = r.uncharged,
          last_disposition = coalesce(r.disposition, c.last_disposition),
          next_attempt_at = now() + r.retry_in * interval '1 s',
          attempt_id = case when r.ended then null else c.attempt_id end,
          attempt_state = case when r.ended then null else r.state end,
          attempt_since = case when r.ended then null when c.attempt_state = r.state then c.attempt_since
            else now() end,
          version = c.version + 1, updated_at = now()
        from jsonb_to_recordset($1) r (id uuid, status text, reason text, state text, ended boolean,
          charged boolean, uncharged smallint, disposition text, retry_in double precision)
        where c.id = r.id
        returning c.id, c.next_attempt_at
      )
      select id, next_attempt_at from written where next_attempt_at is not null`,
    values: [JSON.stringify(rows)],
  });
  return new Map(due.map((row) => [row.id, row.next_attempt_at.toISOString()]));
}

function uncharged(before: number, change: ChangedAttempt['change']): number {
  if (change.kind !== 'ended' || change.cause.consequence === 'again') return before;
  return change.cause.consequence === 'back_off' ? before + 1 : 0;
}
