import type { Pool } from '@dialstream/shared/db/pool.js';
import { campaignSettings } from '@dialstream/shared/domain/campaign.js';
import { trunkSettings } from '@dialstream/shared/api/trunks.js';
import { v7 as uuidv7 } from 'uuid';

/** Rows for tests that begin below the HTTP face. */

export async function addAccount(db: Pool, limits: { balanceSeconds?: number; uniqueUsers?: number } = {}) {
  const id = uuidv7();
  await db.query(
    'insert into accounts (id, name, balance_seconds, unique_users_limit) values ($1, $2, $3, $4)',
    [id, 'Test', limits.balanceSeconds ?? null, limits.uniqueUsers ?? null],
  );
  await db.query('insert into event_heads (scope) values ($1)', [id]);
  return id;
}

export async function addTrunk(db: Pool, accountId: string, settings: object): Promise<string> {
  const trunk = trunkSettings.parse({ name: 'Test trunk', host: '127.0.0.1', ...settings });
  const id = uuidv7();
  await db.query(
    `insert into trunks (id, account_id, name, host, port, transport, username, password, from_domain, caller_ids,
        max_concurrent, calls_per_second, codecs, priority, weight)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      id,
      accountId,
      trunk.name,
      trunk.host,
      trunk.port,
      trunk.transport,
      trunk.username,
      trunk.password,
      trunk.fromDomain,
      trunk.callerIds,
      trunk.maxConcurrent,
      trunk.callsPerSecond,
      trunk.codecs,
      trunk.priority,
      trunk.weight,
    ],
  );
  return id;
}

export async function addCampaign(
  db: Pool,
  accountId: string,
  settings: object = {},
  status = 'in_progress',
): Promise<string> {
  const { name, ...rest } = campaignSettings.parse({ name: 'Test campaign', ...settings });
  const id = uuidv7();
  await db.query(
    `insert into campaigns (id, account_id, name, status, reason_code, reason_message, reason_actor, reason_at,
        settings)
      values ($1, $2, $3, $4, 'created', '', 'test', now(), $5)`,
    [id, accountId, name, status, JSON.stringify(rest)],
  );
  await db.query('insert into campaign_counts (campaign_id) values ($1)', [id]);
  await db.query('insert into event_heads (scope) values ($1)', [id]);
  return id;
}

/** Adds `count` calls that are due, to numbers that end in 0, 1, 2, …. Gives their ids. */
export async function addCalls(
  db: Pool,
  accountId: string,
  campaignId: string,
  count: number,
  { priority = 0, firstNumber = 12_025_550_000 } = {},
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  await db.query(
    `insert into calls (id, campaign_id, account_id, phone, e164, status, priority, next_attempt_at)
      select id, $2, $3, '+' || ($4 + n), '+' || ($4 + n), 'planned', $5, now()
      from unnest($1::uuid[]) with ordinality t (id, n)`,
    [ids, campaignId, accountId, firstNumber - 1, priority],
  );
  return ids;
}

/** The counts as the campaign tells them and as its calls are, side by side. */
export async function countsBothWays(db: Pool, campaignId: string) {
  const { rows } = await db.query<{ status: string; told: number; counted: number }>(
    `select s.status, (to_jsonb(n) ->> s.status)::int as told,
        (select count(*)::int from calls c where c.campaign_id = $1 and c.status = s.status) as counted
      from campaign_counts n,
        unnest(array['planned', 'in_progress', 'retry_scheduled', 'answered', 'completed_without_answer',
          'technical_error', 'not_dialed', 'plan_limit_exceeded']) s (status)
      where n.campaign_id = $1`,
    [campaignId],
  );
  return {
    told: Object.fromEntries(rows.map((row) => [row.status, row.told])),
    counted: Object.fromEntries(rows.map((row) => [row.status, row.counted])),
  };
}
