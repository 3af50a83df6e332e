import type { CallingWindow, CampaignSettings } from '../domain/campaign.js';
import { campaignEvent, type Emit } from '../events/outbox.js';
import type { Db, Tx } from './pool.js';

/** A campaign in progress, as the scheduler needs it. */
export interface RunningCampaign {
  id: string;
  accountId: string;
  settings: CampaignSettings;
  accountMaxConcurrent: number | null;
  /** Seconds of talk that are paid for and not held by attempts under way; null: no limit. */
  secondsLeft: number | null;
  /** Whether the account has a limit of unique users. */
  limitsUniqueUsers: boolean;
  /** Whether the account's balance itself is spent. */
  outOfMinutes: boolean;
  /** Calls due now, counted up to the limit that was asked for. */
  due: number;
}

/**
 * The calls of a campaign that are due, highest priority first, then the longest due. It walks one index
 * range per priority that has waiting calls, so its cost follows the rows it gives, not those that wait.
 */
const dueCalls = (campaign: string, most: string, lock: string): string => `
  with recursive levels (priority) as (
    (select priority from calls where campaign_id = ${campaign} and next_attempt_at is not null
      order by priority desc limit 1)
    union all
    select (select c.priority from calls c where c.campaign_id = ${campaign} and c.next_attempt_at is not null
      and c.priority < l.priority order by c.priority desc limit 1)
    from levels l where l.priority is not null
  )
  select d.* from levels l cross join lateral (
    select c.id, c.e164, c.phone, c.status, c.attempts, c.timezone, c.not_after, c.windows from calls c
    where c.campaign_id = ${campaign} and c.priority = l.priority and c.next_attempt_at <= now()
    order by c.next_attempt_at limit ${most} ${lock}
  ) d
  where l.priority is not null
  limit ${most}`;

/** The campaigns in progress, each with its due calls counted up to `most`. */
export async function runningCampaigns(db: Db, most: number): Promise<RunningCampaign[]> {
  const { rows } = await db.query<{
    id: string;
    name: string;
    account_id: string;
    settings: CampaignSettings;
    max_concurrent: number | null;
    seconds_left: number | null;
    limits_unique_users: boolean;
    out_of_minutes: boolean;
    due: number;
  }>({
    name: 'running-campaigns',
    text: `select p.id, p.name, p.account_id, p.settings, a.max_concurrent,
        a.balance_seconds - a.reserved_seconds as seconds_left,
        a.unique_users_limit is not null as limits_unique_users,
        coalesce(a.balance_seconds <= 0, false) as out_of_minutes, due.due
      from campaigns p join accounts a on a.id = p.account_id
      cross join lateral (select count(*)::int as due from (${dueCalls('p.id', '$1', '')}) d) due
      where p.status = 'in_progress'`,
    values: [most],
  });
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    settings: { ...row.settings, name: row.name },
    accountMaxConcurrent: row.max_concurrent,
    secondsLeft: row.seconds_left,
    limitsUniqueUsers: row.limits_unique_users,
    outOfMinutes: row.out_of_minutes,
    due: row.due,
  }));
}

/** A due call, locked for this transaction. */
export interface DueCall {
  id: string;
  e164: string;
  status: 'planned' | 'retry_scheduled';
  attempts: number;
  timezone: string | null;
  notAfter: Date | null;
  windows: CallingWindow[] | null;
  suppressed: boolean;
}

/** $1 campaign · $2 calls at most. Exported for the benchmark, which shows its plan. */
export const lockDueCallsSql = `select d.*, exists (
    select from suppressions s where s.account_id = p.account_id and s.phone = d.e164) as suppressed
  from campaigns p cross join lateral (${dueCalls('p.id', '$2', 'for update skip locked')}) d
  where p.id = $1 and p.status = 'in_progress'`;

/**
 * Locks up to `most` due calls of a campaign that is in progress. Calls that another transaction holds are
 * passed over.
 */
export async function lockDueCalls(tx: Tx, campaignId: string, most: number): Promise<DueCall[]> {
  const { rows } = await tx.query<{
    id: string;
    e164: string;
    status: DueCall['status'];
    attempts: number;
    timezone: string | null;
    not_after: Date | null;
    windows: CallingWindow[] | null;
    suppressed: boolean;
  }>({
    name: 'lock-due-calls',
    text: lockDueCallsSql,
    values: [campaignId, most],
  });
  return rows.map(({ not_after: notAfter, ...row }) => ({ ...row, notAfter }));
}

/** A new attempt of a locked call. */
export interface NewAttempt {
  id: string;
  callId: string;
  trunkId: string;
  callerId: string | null;
  sipCallId: string;
  sipFromTag: string;
}

export interface StartedAttempt extends NewAttempt {
  campaignId: string;
  accountId: string;
  phone: string;
  number: number;
}

/** Makes attempts of locked calls: from here on they are this dialer's, and their identity on the wire is stored. */
export async function startAttempts(
  tx: Tx,
  emit: Emit,
  owner: { dialerId: string; campaignId: string; accountId: string; reservedSeconds: number },
  attempts: NewAttempt[],
): Promise<StartedAttempt[]> {
  if (attempts.length === 0) return [];
  const column = <K extends keyof NewAttempt>(name: K): NewAttempt[K][] =>
    attempts.map((attempt) => attempt[name]);
  const { rows } = await tx.query<{
    id: string;
    call_id: string;
    phone: string;
    number: number;
    version: number;
  }>({
    name: 'start-attempts',
    text: `with chosen as (
        select * from unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[])
          t (id, call_id, trunk_id, caller_id, sip_call_id, sip_from_tag)
      ), claimed as (
        update calls c set next_attempt_at = null, attempt_id = t.id, attempt_state = 'dialing',
          attempt_since = now(), attempts = c.attempts + 1, version = c.version + 1, updated_at = now()
        from chosen t where c.id = t.call_id and c.next_attempt_at is not null
        returning c.id, c.phone, c.attempts as number, c.version
      ), started as (
        insert into attempts (id, call_id, campaign_id, account_id, number, state, trunk_id, caller_id,
          dialer_id, sip_call_id, sip_from_tag, reserved_seconds)
        select t.id, t.call_id, $2, $3, c.number, 'dialing', t.trunk_id, t.caller_id,
          $1, t.sip_call_id, t.sip_from_tag, $4
        from chosen t join claimed c on c.id = t.call_id
      )
      select t.id, t.call_id, c.phone, c.number, c.version from chosen t join claimed c on c.id = t.call_id`,
    values: [
      owner.dialerId,
      owner.campaignId,
      owner.accountId,
      owner.reservedSeconds,
      column('id'),
      column('callId'),
      column('trunkId'),
      column('callerId'),
      column('sipCallId'),
      column('sipFromTag'),
    ],
  });
  const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  return rows.flatMap((row) => {
    const attempt = byId.get(row.id);
    if (attempt === undefined) return [];
    const { campaignId, accountId } = owner;
    emit(
      campaignEvent(accountId, campaignId, {
        type: 'attempt.changed',
        data: {
          callId: row.call_id,
          campaignId,
          phone: row.phone,
          number: row.number,
          state: 'dialing',
          trunkId: attempt.trunkId,
          version: row.version,
        },
      }),
    );
    return [{ ...attempt, campaignId, accountId, phone: row.phone, number: row.number }];
  });
}

/** Holds seconds of the account's balance for attempts; they are given back when the attempts end. */
export async function reserveSeconds(tx: Tx, accountId: string, seconds: number): Promise<void> {
  if (seconds === 0) return;
  await tx.query({
    name: 'reserve-seconds',
    text: 'update accounts set reserved_seconds = reserved_seconds + $2 where id = $1',
    values: [accountId, seconds],
  });
}

/** Puts locked calls off to the instant when their window opens. */
export async function postponeCalls(tx: Tx, calls: { id: string; until: Date }[]): Promise<void> {
  if (calls.length === 0) return;
  await tx.query({
    name: 'postpone-calls',
    text: `update calls c set next_attempt_at = p.until, version = version + 1, updated_at = now()
      from unnest($1::uuid[], $2::timestamptz[]) p (id, until) where c.id = p.id`,
    values: [calls.map((call) => call.id), calls.map((call) => call.until)],
  });
}

export interface DroppedCall {
  id: string;
  status: 'not_dialed' | 'completed_without_answer' | 'plan_limit_exceeded';
  reason: string;
}

/** Ends locked calls that must not be dialed (any more). */
export async function dropCalls(
  tx: Tx,
  emit: Emit,
  { accountId, campaignId }: { accountId: string; campaignId: string },
  calls: DroppedCall[],
): Promise<void> {
  if (calls.length === 0) return;
  const { rows } = await tx.query<{
    id: string;
    phone: string;
    before: 'planned' | 'retry_scheduled';
    attempts: number;
    version: number;
  }>({
    name: 'drop-calls',
    text: `update calls c set status = d.status, reason = d.reason, next_attempt_at = null,
        version = c.version + 1, updated_at = now()
      from unnest($1::uuid[], $2::text[], $3::text[]) d (id, status, reason), calls b
      where c.id = d.id and b.id = d.id
      returning c.id, c.phone, b.status as before, c.attempts, c.version`,
    values: [
      calls.map((call) => call.id),
      calls.map((call) => call.status),
      calls.map((call) => call.reason),
    ],
  });
  const byId = new Map(calls.map((call) => [call.id, call]));
  for (const row of rows) {
    const dropped = byId.get(row.id);
    if (dropped === undefined) continue;
    emit(
      campaignEvent(accountId, campaignId, {
        type: 'call.status_changed',
        data: {
          callId: row.id,
          campaignId,
          phone: row.phone,
          from: row.before,
          to: dropped.status,
          reason: dropped.reason,
          attempts: row.attempts,
          nextAttemptAt: null,
          version: row.version,
        },
      }),
    );
  }
}

/** Counts numbers as this period's users of the account; gives those that are beyond its limit. */
export async function countUniqueUsers(tx: Tx, accountId: string, phones: string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ period_start: Date; room: number | null }>({
    name: 'lock-unique-users',
    text: `select period_start, unique_users_limit - unique_users_used as room from accounts
      where id = $1 for update`,
    values: [accountId],
  });
  const account = rows[0];
  if (account === undefined || account.room === null) return new Set();
  const known = await tx.query<{ phone: string }>({
    name: 'known-users',
    text: 'select phone from unique_users where account_id = $1 and period_start = $2 and phone = any ($3)',
    values: [accountId, account.period_start, phones],
  });
  const seen = new Set(known.rows.map((row) => row.phone));
  const fresh = [...new Set(phones)].filter((phone) => !seen.has(phone));
  const room = Math.max(0, account.room);
  const admitted = fresh.slice(0, room);
  await tx.query({
    name: 'add-unique-users',
    text: `with added as (
        insert into unique_users (account_id, period_start, phone)
        select $1, $2, phone from unnest($3::text[]) phone
      )
      update accounts set unique_users_used = unique_users_used + $4 where id = $1`,
    values: [accountId, account.period_start, admitted, admitted.length],
  });
  return new Set(fresh.slice(room));
}
