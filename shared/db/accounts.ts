import { v7 as uuidv7 } from 'uuid';
import type { Account, PatchAccount } from '../api/accounts.js';
import { openScope } from '../events/outbox.js';
import { setRootKey } from './api-keys.js';
import { transaction, type Db, type Pool, type Tx } from './pool.js';

interface AccountRow {
  id: string;
  name: string;
  balance_seconds: number | null;
  reserved_seconds: number;
  unique_users_limit: number | null;
  unique_users_used: number;
  period_end: Date | null;
  max_concurrent: number | null;
  default_country: string;
}

const columns = `id, name, balance_seconds, reserved_seconds, unique_users_limit, unique_users_used, period_end,
  max_concurrent, default_country`;

/** Any number; the advisory lock of whoever makes the root account. */
const rootLock = 7_234_001;

/**
 * Sees to it that the first account exists and that `adminKey`, and no other, is its root key. Any number of
 * processes may do so at once.
 */
export async function ensureRootAccount(pool: Pool, adminKey: string): Promise<string> {
  return transaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [rootLock]);
    const { rows } = await tx.query<{ id: string }>('select id from accounts where is_root');
    const accountId = rows[0]?.id ?? uuidv7();
    if (!rows[0]) {
      await tx.query(`insert into accounts (id, name, is_root) values ($1, 'Main', true)`, [accountId]);
      await openScope(tx, accountId);
    }
    await setRootKey(tx, accountId, adminKey);
    return accountId;
  });
}

export async function readAccount(db: Db, id: string): Promise<Account | null> {
  const { rows } = await db.query<AccountRow>(`select ${columns} from accounts where id = $1`, [id]);
  return rows[0] ? toAccount(rows[0]) : null;
}

/** Two letters by which numbers without a country code are read, e.g. `US`. */
export async function readDefaultCountry(db: Db, accountId: string): Promise<string> {
  const account = await readAccount(db, accountId);
  if (!account) throw new Error(`there is no account ${accountId}`);
  return account.defaultCountry;
}

/** Accounts, oldest first, beginning after the one named `after`. */
export async function listAccounts(
  db: Db,
  { after, limit }: { after: string | null; limit: number },
): Promise<Account[]> {
  const { rows } = await db.query<AccountRow>(
    `select ${columns} from accounts where $1::uuid is null or id > $1 order by id limit $2`,
    [after, limit],
  );
  return rows.map(toAccount);
}

/** Adds an account without limits; its event scope is the caller's to open. */
export async function addAccount(tx: Tx, id: string, name: string): Promise<void> {
  await tx.query('insert into accounts (id, name) values ($1, $2)', [id, name]);
}

/** Changes what is named. Null: there is no such account. */
export async function changeAccount(tx: Tx, id: string, change: PatchAccount): Promise<Account | null> {
  const given = Object.entries(columnValues(change)).filter(([, value]) => value !== undefined);
  if (given.length === 0) return readAccount(tx, id);
  const sets = given.map(([column], index) => `${column} = $${index + 2}`);
  const { rows } = await tx.query<AccountRow>(
    `update accounts set ${sets.join(', ')} where id = $1 returning ${columns}`,
    [id, ...given.map(([, value]) => value)],
  );
  return rows[0] ? toAccount(rows[0]) : null;
}

function columnValues({ name, minutes, uniqueUsers, maxConcurrent, defaultCountry }: PatchAccount) {
  const balance = minutes?.balance;
  return {
    name,
    balance_seconds: typeof balance === 'number' ? Math.round(balance * 60) : balance,
    unique_users_limit: uniqueUsers?.limit,
    period_end: uniqueUsers?.periodEnd,
    max_concurrent: maxConcurrent,
    default_country: defaultCountry,
  } satisfies Partial<Record<keyof AccountRow, unknown>>;
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name,
    minutes: {
      balance: row.balance_seconds === null ? null : row.balance_seconds / 60,
      reserved: row.reserved_seconds / 60,
    },
    uniqueUsers: {
      limit: row.unique_users_limit,
      used: row.unique_users_used,
      periodEnd: row.period_end?.toISOString() ?? null,
    },
    maxConcurrent: row.max_concurrent,
    defaultCountry: row.default_country,
  };
}
