import { v7 as uuidv7 } from 'uuid';
import type { Trunk, TrunkSettings } from '../api/trunks.js';
import type { Db } from './pool.js';

interface TrunkRow {
  id: string;
  account_id: string;
  name: string;
  host: string;
  port: number;
  transport: 'udp' | 'tcp';
  username: string | null;
  password: string | null;
  register: false;
  from_domain: string | null;
  caller_ids: string[];
  max_concurrent: number;
  calls_per_second: number;
  codecs: TrunkSettings['codecs'];
  priority: number;
  weight: number;
  status: 'up' | 'down';
  status_reason: string | null;
}

/** A trunk with its password, for the dialer and for changing it; the HTTP face never gives that back. */
export type StoredTrunk = TrunkSettings &
  Pick<Trunk, 'id' | 'status' | 'statusReason'> & { accountId: string };

function toTrunk(row: TrunkRow): StoredTrunk {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    host: row.host,
    port: row.port,
    transport: row.transport,
    username: row.username,
    password: row.password,
    register: row.register,
    fromDomain: row.from_domain,
    callerIds: row.caller_ids,
    maxConcurrent: row.max_concurrent,
    callsPerSecond: row.calls_per_second,
    codecs: row.codecs,
    priority: row.priority,
    weight: row.weight,
    status: row.status,
    statusReason: row.status_reason,
  };
}

export async function listTrunks(
  db: Db,
  accountId: string,
  before: string | undefined,
  limit: number,
): Promise<StoredTrunk[]> {
  const { rows } = await db.query<TrunkRow>(
    `select * from trunks where account_id = $1 and deleted_at is null and ($2::uuid is null or id < $2)
      order by id desc limit $3`,
    [accountId, before ?? null, limit],
  );
  return rows.map(toTrunk);
}

export async function findTrunk(db: Db, accountId: string, id: string): Promise<StoredTrunk | null> {
  const { rows } = await db.query<TrunkRow>(
    'select * from trunks where account_id = $1 and id = $2 and deleted_at is null',
    [accountId, id],
  );
  return rows[0] ? toTrunk(rows[0]) : null;
}

/** Those of the ids that are trunks of the account. */
export async function ownTrunkIds(db: Db, accountId: string, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    'select id from trunks where account_id = $1 and id = any ($2::uuid[]) and deleted_at is null',
    [accountId, ids],
  );
  return new Set(rows.map((row) => row.id));
}

/** The trunks of accounts that have a campaign in progress. */
export async function trunksInUse(db: Db): Promise<StoredTrunk[]> {
  const { rows } = await db.query<TrunkRow>({
    name: 'trunks-in-use',
    text: `select * from trunks t where deleted_at is null and exists (
      select from campaigns c where c.account_id = t.account_id and c.status = 'in_progress')`,
  });
  return rows.map(toTrunk);
}

/** Writes a new trunk, or all settings of one that is there. */
export async function saveTrunk(
  db: Db,
  accountId: string,
  settings: TrunkSettings,
  id: string = uuidv7(),
): Promise<StoredTrunk> {
  const { rows } = await db.query<TrunkRow>(
    `insert into trunks (id, account_id, name, host, port, transport, username, password, register, from_domain,
        caller_ids, max_concurrent, calls_per_second, codecs, priority, weight)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
      on conflict (id) do update set name = excluded.name, host = excluded.host, port = excluded.port,
        transport = excluded.transport, username = excluded.username, password = excluded.password,
        register = excluded.register, from_domain = excluded.from_domain, caller_ids = excluded.caller_ids,
        max_concurrent = excluded.max_concurrent, calls_per_second = excluded.calls_per_second,
        codecs = excluded.codecs, priority = excluded.priority, weight = excluded.weight
      where trunks.account_id = excluded.account_id
      returning *`,
    [
      id,
      accountId,
      settings.name,
      settings.host,
      settings.port,
      settings.transport,
      settings.username,
      settings.password,
      settings.register,
      settings.fromDomain,
      settings.callerIds,
      settings.maxConcurrent,
      settings.callsPerSecond,
      settings.codecs,
      settings.priority,
      settings.weight,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`trunk ${id} belongs to another account`);
  return toTrunk(row);
}

/** Hides a trunk; attempts keep naming it. False when the account has no such trunk. */
export async function deleteTrunk(db: Db, accountId: string, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update trunks set deleted_at = now() where id = $1 and account_id = $2 and deleted_at is null',
    [id, accountId],
  );
  return rowCount === 1;
}
