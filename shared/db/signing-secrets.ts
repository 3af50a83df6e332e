import type { Db } from './pool.js';

/** The installation's secret for a purpose: the one there is, or else `fresh`, which is kept from then on. */
export async function signingSecret(db: Db, purpose: string, fresh: Buffer): Promise<Buffer> {
  const { rows } = await db.query<{ secret: Buffer }>(
    `insert into signing_secrets (purpose, secret) values ($1, $2)
      on conflict (purpose) do update set secret = signing_secrets.secret returning secret`,
    [purpose, fresh],
  );
  if (!rows[0]) throw new Error(`there is no secret for ${purpose}`);
  return rows[0].secret;
}
