import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { ApiKey, Role } from '../api/accounts.js';
import type { Db, Tx } from './pool.js';

/** A key with whom it acts for. */
export interface StoredKey extends ApiKey {
  accountId: string;
  isRoot: boolean;
}

interface KeyRow {
  id: string;
  account_id: string;
  name: string;
  role: Role;
  is_root: boolean;
  created_at: Date;
}

const columns = 'id, account_id, name, role, is_root, created_at';

/** What is kept of a key: it is random and long, so nothing slower than SHA-256 is needed. */
export function hashKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The key with this hash, or null when there is none or it was revoked. */
export async function findKey(db: Db, hash: Buffer): Promise<StoredKey | null> {
  const { rows } = await db.query<KeyRow>({
    name: 'find-key',
    text: `select ${columns} from api_keys where secret_hash = $1 and revoked_at is null`,
    values: [hash],
  });
  return rows[0] ? toKey(rows[0]) : null;
}

/** The key with this id, or null when there is none or it was revoked. */
export async function findKeyById(db: Db, id: string): Promise<StoredKey | null> {
  const { rows } = await db.query<KeyRow>({
    name: 'find-key-by-id',
    text: `select ${columns} from api_keys where id = $1 and revoked_at is null`,
    values: [id],
  });
  return rows[0] ? toKey(rows[0]) : null;
}

/** Adds a key to an account. Only the hash of its secret is kept. */
export async function addKey(
  tx: Tx,
  key: { accountId: string; name: string; role: Role; secret: string },
): Promise<StoredKey> {
  const { rows } = await tx.query<KeyRow>(
    `insert into api_keys (id, account_id, name, role, secret_hash) values ($1, $2, $3, $4, $5)
      returning ${columns}`,
    [uuidv7(), key.accountId, key.name, key.role, hashKey(key.secret)],
  );
  if (!rows[0]) throw new Error('the key was not inserted');
  return toKey(rows[0]);
}

/** An account's keys, oldest first, beginning after the one named `after`. */
export async function listKeys(
  db: Db,
  accountId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<StoredKey[]> {
  const { rows } = await db.query<KeyRow>(
    `select ${columns} from api_keys
      where account_id = $1 and revoked_at is null and ($2::uuid is null or id > $2) order by id limit $3`,
    [accountId, after, limit],
  );
  return rows.map(toKey);
}

/** Why a key was not revoked, or `revoked`. The account keeps an admin, and the root key is ADMIN_KEY's. */
export type Revocation = 'revoked' | 'not_found' | 'root' | 'last_admin';

export async function revokeKey(tx: Tx, accountId: string, id: string): Promise<Revocation> {
  // All admin keys are locked, so that two requests cannot each revoke what the other leaves.
  const { rows } = await tx.query<KeyRow>(
    `select ${columns} from api_keys
      where account_id = $1 and revoked_at is null and (id = $2 or role = 'admin') order by id for update`,
    [accountId, id],
  );
  const key = rows.find((row) => row.id === id);
  if (!key) return 'not_found';
  if (key.is_root) return 'root';
  if (key.role === 'admin' && rows.length === 1) return 'last_admin';
  await tx.query('update api_keys set revoked_at = now() where id = $1', [id]);
  return 'revoked';
}

/**
 * Makes the root account's root key the one with this secret; an earlier root key is revoked. To be run
 * under a lock that lets one process at a time through. Throws when the secret is an ordinary key's.
 */
export async function setRootKey(tx: Tx, accountId: string, secret: string): Promise<void> {
  const hash = hashKey(secret);
  await tx.query(
    `update api_keys set revoked_at = now() where is_root and revoked_at is null and secret_hash <> $1`,
    [hash],
  );
  const { rowCount } = await tx.query(
    `insert into api_keys (id, account_id, name, role, is_root, secret_hash)
      values ($1, $2, 'ADMIN_KEY', 'admin', true, $3)
      on conflict (secret_hash) do update set revoked_at = null where api_keys.is_root`,
    [uuidv7(), accountId, hash],
  );
  if (rowCount === 0) throw new Error('ADMIN_KEY is the key of somebody else already; choose another one.');
}

function toKey(row: KeyRow): StoredKey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    role: row.role,
    isRoot: row.is_root,
    createdAt: row.created_at.toISOString(),
  };
}
