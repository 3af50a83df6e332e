import type { DialerStatus } from '../events/contract.js';
import type { Db } from './pool.js';

/** Seconds that a dialer's lease lasts after each renewal, by the database clock. */
export const leaseSeconds = 10;

/** A dialer of which others may need to know. */
export interface DialerChange {
  dialerId: string;
  host: string;
  from: DialerStatus;
  to: DialerStatus;
}

/** Adds a dialer that is alive from now on. */
export async function registerDialer(db: Db, id: string, host: string, pid: number): Promise<DialerChange[]> {
  await db.query(
    `insert into dialers (id, host, pid, status, alive_until)
      values ($1, $2, $3, 'up', now() + $4 * interval '1 s')`,
    [id, host, pid, leaseSeconds],
  );
  return [{ dialerId: id, host, from: 'down', to: 'up' }];
}

/** What came of a renewal. `lost`: others have declared it dead, and it must stop. */
export type Renewal = 'held' | 'lapsed' | 'lost';

/** Prolongs a dialer's lease. `lapsed`: that it had run out was told, so that its return is to be told as well. */
export async function renewDialer(db: Db, id: string): Promise<Renewal> {
  const { rows } = await db.query<{ lapsed: boolean }>({
    name: 'renew-dialer',
    text: `update dialers set alive_until = now() + $2 * interval '1 s' where id = $1 and status <> 'down'
      returning lapsed`,
    values: [id, leaseSeconds],
  });
  if (!rows[0]) return 'lost';
  return rows[0].lapsed ? 'lapsed' : 'held';
}

/** A dialer whose lease had lapsed is there again. */
export async function markReturned(db: Db, id: string): Promise<DialerChange[]> {
  return changeDialers(db, { where: 'id = $1 and lapsed', set: 'lapsed = false', values: [id] });
}

/** Marks that a dialer takes no new calls. */
export async function markDraining(db: Db, id: string): Promise<DialerChange[]> {
  return changeDialers(db, { where: `id = $1 and status = 'up'`, set: `status = 'draining'`, values: [id] });
}

/** Ends a dialer's lease, at its own stop. */
export async function markStopped(db: Db, id: string): Promise<DialerChange[]> {
  const set = `status = 'down', alive_until = now()`;
  return changeDialers(db, { where: 'id = $1', set, values: [id] });
}

const leaseRanOut = `status <> 'down' and alive_until < now()`;

/** Marks the dialers whose lease has run out. They may come back yet. */
export async function markLapsed(db: Db): Promise<DialerChange[]> {
  return changeDialers(db, { where: `${leaseRanOut} and not lapsed`, set: 'lapsed = true', values: [] });
}

/** Whether there are dialers to mark as lapsed, and to bury. */
export async function leasesRunOut(db: Db): Promise<{ unmarked: boolean; unburied: boolean }> {
  const { rows } = await db.query<{ unmarked: boolean; unburied: boolean }>({
    name: 'leases-run-out',
    text: `select exists (select from dialers where ${leaseRanOut} and not lapsed) as unmarked,
      exists (select from dialers where ${leaseRanOut}) as unburied`,
  });
  return rows[0] ?? { unmarked: false, unburied: false };
}

/** Changes dialers; gives those that are now told to be in another status. One that lapsed is told to be down. */
async function changeDialers(
  db: Db,
  { where, set, values }: { where: string; set: string; values: unknown[] },
): Promise<DialerChange[]> {
  const told = `case when lapsed then 'down' else status end`;
  const { rows } = await db.query<DialerChange>(
    `with before as (select id as dialer_id, ${told} as "from" from dialers where ${where} for update),
      changed as (
        update dialers set ${set} from before where id = dialer_id returning dialer_id, host, ${told} as "to", "from"
      )
      select dialer_id as "dialerId", host, "from", "to" from changed where "from" <> "to"`,
    values,
  );
  return rows;
}

/** Dialers whose lease has run out, or that stopped, with attempts still under way in their name. */
export async function dialersThatLeftAttempts(db: Db, own: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'dialers-that-left-attempts',
    text: `select d.id from dialers d
      where d.id <> $1 and (d.status = 'down' or d.alive_until < now())
        and exists (select from attempts a where a.dialer_id = d.id and a.ended_at is null)`,
    values: [own],
  });
  return rows.map((row) => row.id);
}

/** Declares dead the dialers whose lease has run out. Their own renewals fail from then on. */
export async function buryDialers(db: Db): Promise<DialerChange[]> {
  return changeDialers(db, { where: leaseRanOut, set: `status = 'down'`, values: [] });
}

/** An attempt under way, as whoever must end it needs it. */
export interface AttemptUnderWay {
  id: string;
  callId: string;
  campaignId: string;
  number: number;
  state: 'dialing' | 'ringing' | 'answered';
  sipCallId: string;
  sipFromTag: string;
  sipTxnId: string | null;
  sipDialog: unknown;
  /** Milliseconds since it was started, by the database clock. */
  ageMs: number;
  ringTimeoutSeconds: number;
  limitKeys: string[];
}

interface AttemptRow {
  id: string;
  call_id: string;
  campaign_id: string;
  account_id: string;
  trunk_id: string;
  number: number;
  state: AttemptUnderWay['state'];
  sip_call_id: string;
  sip_from_tag: string;
  sip_txn_id: string | null;
  sip_dialog: unknown;
  age_ms: number;
  ring_timeout_seconds: number;
}

const attemptColumns = `a.id, a.call_id, a.campaign_id, a.account_id, a.trunk_id, a.number, a.state, a.sip_call_id,
  a.sip_from_tag, a.sip_txn_id, a.sip_dialog,
  (extract(epoch from now() - a.started_at) * 1000)::float8 as age_ms,
  (c.settings ->> 'ringTimeoutSeconds')::int as ring_timeout_seconds`;

/** Takes over the attempts of a dead dialer. Each goes to one taker only. */
export async function takeOverAttempts(db: Db, from: string, to: string): Promise<AttemptUnderWay[]> {
  const { rows } = await db.query<AttemptRow>({
    name: 'take-over-attempts',
    text: `update attempts a set dialer_id = $2 from campaigns c, dialers d
      where a.dialer_id = $1 and a.ended_at is null and c.id = a.campaign_id
        and d.id = $1 and d.status = 'down'
      returning ${attemptColumns}`,
    values: [from, to],
  });
  return rows.map(toAttempt);
}

/** The attempts under way in a dialer's name that were started at least so long ago. */
export async function attemptsOf(
  db: Db,
  dialerId: string,
  olderThanSeconds: number,
): Promise<AttemptUnderWay[]> {
  const { rows } = await db.query<AttemptRow>({
    name: 'attempts-of',
    text: `select ${attemptColumns} from attempts a join campaigns c on c.id = a.campaign_id
      where a.dialer_id = $1 and a.ended_at is null and a.started_at < now() - $2 * interval '1 s'`,
    values: [dialerId, olderThanSeconds],
  });
  return rows.map(toAttempt);
}

function toAttempt(row: AttemptRow): AttemptUnderWay {
  return {
    id: row.id,
    callId: row.call_id,
    campaignId: row.campaign_id,
    number: row.number,
    state: row.state,
    sipCallId: row.sip_call_id,
    sipFromTag: row.sip_from_tag,
    sipTxnId: row.sip_txn_id,
    sipDialog: row.sip_dialog,
    ageMs: row.age_ms,
    ringTimeoutSeconds: row.ring_timeout_seconds,
    limitKeys: limitKeysOf(row.account_id, row.campaign_id, row.trunk_id),
  };
}

/** What an attempt takes a place of: the names of the limits it counts in. */
export function limitKeysOf(accountId: string, campaignId: string, trunkId: string): string[] {
  return [`account:${accountId}`, `campaign:${campaignId}`, `trunk:${trunkId}`];
}
