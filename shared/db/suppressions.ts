import type { Suppression } from '../api/suppressions.js';
import type { Db, Tx } from './pool.js';

interface SuppressionRow {
  phone: string;
  reason: string;
  created_at: Date;
}

/** An account's suppressed numbers in their order, beginning after the number `after`. */
export async function listSuppressions(
  db: Db,
  accountId: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Suppression[]> {
  const { rows } = await db.query<SuppressionRow>(
    `select phone, reason, created_at from suppressions
      where account_id = $1 and ($2::text is null or phone > $2) order by phone limit $3`,
    [accountId, after ?? null, limit],
  );
  return rows.map(toSuppression);
}

/** Suppresses numbers (E.164). One that is suppressed already keeps its first reason. Gives all of them. */
export async function addSuppressions(
  tx: Tx,
  accountId: string,
  { phones, reason }: { phones: readonly string[]; reason: string },
): Promise<Suppression[]> {
  await tx.query(
    `insert into suppressions (account_id, phone, reason)
      select $1, phone, $3 from (select distinct unnest($2::text[]) as phone) given order by phone
      on conflict do nothing`,
    [accountId, phones, reason],
  );
  const { rows } = await tx.query<SuppressionRow>(
    `select phone, reason, created_at from suppressions where account_id = $1 and phone = any ($2) order by phone`,
    [accountId, phones],
  );
  return rows.map(toSuppression);
}

/** Lets a number be called again. False: it was not suppressed. */
export async function removeSuppression(db: Db, accountId: string, phone: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from suppressions where account_id = $1 and phone = $2', [
    accountId,
    phone,
  ]);
  return rowCount === 1;
}

function toSuppression(row: SuppressionRow): Suppression {
  return { phone: row.phone, reason: row.reason, createdAt: row.created_at.toISOString() };
}
