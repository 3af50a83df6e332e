import type { Attempt, Call, CallWithAttempts } from '../api/calls.js';
import type { AttemptState, CallStatus, Disposition } from '../domain/status.js';
import type { Db } from './pool.js';

interface CallRow {
  id: string;
  campaign_id: string;
  phone: string;
  status: CallStatus;
  reason: string | null;
  payload: Record<string, unknown> | null;
  attempts: number;
  attempt_state: AttemptState | null;
  attempt_since: Date | null;
  next_attempt_at: Date | null;
  last_disposition: Disposition | null;
  timezone: string | null;
  priority: number;
  updated_at: Date;
  version: number;
}

const columns = `c.id, c.campaign_id, c.phone, c.status, c.reason, c.payload, c.attempts, c.attempt_state,
  c.attempt_since, c.next_attempt_at, c.last_disposition, c.timezone, c.priority, c.updated_at, c.version`;

function toCall(row: CallRow): Call {
  const { attempt_state: state, attempt_since: since } = row;
  return {
    id: row.id,
    campaignId: row.campaign_id,
    phone: row.phone,
    status: row.status,
    reason: row.reason,
    payload: row.payload ?? {},
    attempts: row.attempts,
    attempt: state && since ? { number: row.attempts, state, since: since.toISOString() } : null,
    nextAttemptAt: row.next_attempt_at?.toISOString() ?? null,
    lastDisposition: row.last_disposition,
    timezone: row.timezone,
    priority: row.priority,
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  };
}

export interface CallFilter {
  campaignId: string;
  statuses?: readonly CallStatus[] | undefined;
  /** Digits that the number holds. */
  digits?: string | undefined;
  after?: string | undefined;
  limit: number;
}

/** Calls of a campaign in the order in which they were added. */
export async function listCalls(db: Db, filter: CallFilter): Promise<Call[]> {
  const { campaignId, statuses, digits, after, limit } = filter;
  const { rows } = await db.query<CallRow>({
    text: `select ${columns} from calls c
      where c.campaign_id = $1 and ($2::text[] is null or c.status = any ($2))
        and ($3::text is null or c.phone like '%' || $3 || '%') and ($4::uuid is null or c.id > $4)
      order by c.id limit $5`,
    values: [campaignId, statuses ?? null, digits ?? null, after ?? null, limit],
  });
  return rows.map(toCall);
}

/** A campaign's calls with an attempt under way. */
export async function callsUnderWay(db: Db, campaignId: string, limit: number): Promise<Call[]> {
  const { rows } = await db.query<CallRow>({
    name: 'calls-under-way',
    text: `select ${columns} from calls c where c.campaign_id = $1 and c.attempt_id is not null limit $2`,
    values: [campaignId, limit],
  });
  return rows.map(toCall);
}

interface AttemptRow {
  number: number;
  state: AttemptState;
  trunk_id: string;
  caller_id: string | null;
  started_at: Date;
  ringing_at: Date | null;
  answered_at: Date | null;
  ended_at: Date | null;
  talk_ms: number | null;
  billed_seconds: number;
  disposition: Disposition | null;
  charged: boolean | null;
  sip_code: number | null;
  sip_phrase: string | null;
  q850: number | null;
  sip_call_id: string;
  rule: string | null;
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    number: row.number,
    state: row.state,
    trunkId: row.trunk_id,
    callerId: row.caller_id,
    startedAt: row.started_at.toISOString(),
    ringingAt: row.ringing_at?.toISOString() ?? null,
    answeredAt: row.answered_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
    talkSeconds: (row.talk_ms ?? 0) / 1_000,
    billedSeconds: row.billed_seconds,
    disposition: row.disposition,
    charged: row.charged,
    sip: { code: row.sip_code, phrase: row.sip_phrase, q850: row.q850, callId: row.sip_call_id },
    rule: row.rule,
  };
}

/** A call with its attempts, the first one first. Null when the account has no such call. */
export async function findCall(db: Db, accountId: string, id: string): Promise<CallWithAttempts | null> {
  const { rows } = await db.query<CallRow>(
    `select ${columns} from calls c join campaigns p on p.id = c.campaign_id
      where c.id = $1 and p.account_id = $2 and p.deleted_at is null`,
    [id, accountId],
  );
  if (!rows[0]) return null;
  const attempts = await db.query<AttemptRow>('select * from attempts where call_id = $1 order by number', [
    id,
  ]);
  return { ...toCall(rows[0]), attemptList: attempts.rows.map(toAttempt) };
}
