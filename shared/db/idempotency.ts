import type { Db, Tx } from './pool.js';

export interface IdempotencyKey {
  accountId: string;
  key: string;
  bodyHash: Buffer;
}

/** An answer that was given; `response` is sealed by whoever stored it. */
export interface StoredAnswer {
  bodyHash: Buffer;
  status: number;
  response: string;
}

/**
 * Takes a key for this transaction and gives null, or what was answered to it in the last 24 hours. While
 * another transaction has the key, this waits for its end.
 */
export async function claimKey(
  tx: Tx,
  { accountId, key, bodyHash }: IdempotencyKey,
): Promise<StoredAnswer | null> {
  const { rowCount } = await tx.query({
    name: 'claim-idempotency-key',
    text: `insert into idempotency_keys as k (account_id, key, body_hash) values ($1, $2, $3)
      on conflict (account_id, key) do update
        set body_hash = excluded.body_hash, status = null, response = null, created_at = now()
        where k.created_at < now() - interval '24 hours'`,
    values: [accountId, key, bodyHash],
  });
  if (rowCount === 1) return null;
  const { rows } = await tx.query<{ body_hash: Buffer; status: number; response: string }>({
    name: 'read-idempotency-key',
    text: 'select body_hash, status, response from idempotency_keys where account_id = $1 and key = $2',
    values: [accountId, key],
  });
  const [row] = rows;
  // The clock work has removed it this very moment, since it is a day old: it is free again.
  if (!row) return claimKey(tx, { accountId, key, bodyHash });
  return { bodyHash: row.body_hash, status: row.status, response: row.response };
}

/** Stores the answer to a key that this transaction has taken. */
export async function storeAnswer(
  tx: Tx,
  { accountId, key }: Omit<IdempotencyKey, 'bodyHash'>,
  answer: { status: number; response: string },
): Promise<void> {
  await tx.query({
    name: 'store-idempotent-answer',
    text: 'update idempotency_keys set status = $3, response = $4 where account_id = $1 and key = $2',
    values: [accountId, key, answer.status, answer.response],
  });
}

/** Removes the keys older than 24 hours. */
export async function removeOldKeys(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where created_at < now() - interval '24 hours'`,
  );
  return rowCount ?? 0;
}
