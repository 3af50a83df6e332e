import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { claimCalls, newAttemptIds } from '@dialstream/dialer/claimer.js';
import { trunksInUse } from '@dialstream/shared/db/trunks.js';
import { lockDueCallsSql, runningCampaigns } from '@dialstream/shared/db/claim.js';
import { registerDialer } from '@dialstream/shared/db/dialers.js';
import { migrate } from '@dialstream/shared/db/migrate.js';
import { createPool, transaction, type Pool } from '@dialstream/shared/db/pool.js';
import { startPostgres } from '@dialstream/shared/embedded/postgres.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import type { Publisher } from '@dialstream/shared/events/publisher.js';
import { createLog } from '@dialstream/shared/log.js';
import { addAccount, addCampaign, addTrunk } from '../support/records.js';
import { print, quantile, round } from './figures.js';

const sizes = [10_000, 100_000, 1_000_000, 10_000_000];
const perClaim = 100;
const rounds = 60;

/** Only the claim is measured here, so what would be published stays where it is. */
const silent: Publisher = {
  publish() {},
  sweep: async () => 0,
  idle: async () => {},
  start() {},
  close: async () => {},
};

/**
 * `claim`: how long one transaction takes that claims 100 due calls, with 10 thousand to 10 million calls
 * waiting, beside a bare floor in the same run: 100 calls updated by their keys and 100 attempts inserted.
 */
export async function benchClaim(largest: number): Promise<void> {
  const log = createLog('bench', 'warn');
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-bench-'));
  const postgres = await startPostgres({ dataDir, log });
  const pool = createPool({ databaseUrl: postgres.url, log, name: 'bench' });
  const loader = createPool({
    databaseUrl: postgres.url,
    log,
    name: 'bench-load',
    statementTimeoutMs: 1_200_000,
  });
  try {
    await migrate(postgres.url, log);
    const accountId = await addAccount(pool);
    await addTrunk(pool, accountId, {});
    const campaignId = await addCampaign(pool, accountId);
    const dialerId = uuidv7();
    await registerDialer(pool, dialerId, 'bench', process.pid);
    let waiting = 0;
    for (const size of sizes.filter((one) => one <= largest)) {
      await addWaiting(loader, accountId, campaignId, waiting, size);
      waiting = size;
      await measure(pool, { accountId, campaignId, dialerId }, size);
    }
    print('claim', { plan: await planOf(pool, campaignId) });
  } finally {
    await pool.end();
    await loader.end();
    await postgres.stop();
    await fs.rm(dataDir, { recursive: true, force: true });
  }
}

/** Fills up to `to` due calls of five priorities. The counts are set by hand: triggers would only slow this down. */
async function addWaiting(pool: Pool, accountId: string, campaignId: string, from: number, to: number) {
  await pool.query('alter table calls disable trigger user');
  const step = 500_000;
  for (let first = from; first < to; first += step) {
    await pool.query(
      `insert into calls (id, campaign_id, account_id, phone, e164, status, priority, next_attempt_at)
        select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, $2,
          '+1' || (2000000000 + n), '+1' || (2000000000 + n), 'planned', n % 5, now() - interval '1 h'
        from generate_series($3::bigint, $4::bigint) n`,
      [campaignId, accountId, first + 1, Math.min(first + step, to)],
    );
  }
  await pool.query('alter table calls enable trigger user');
  await pool.query('update campaign_counts set planned = $2 where campaign_id = $1', [campaignId, to]);
  await pool.query('vacuum analyze calls');
}

interface Ids {
  accountId: string;
  campaignId: string;
  dialerId: string;
}

async function measure(pool: Pool, ids: Ids, waiting: number): Promise<void> {
  const outbox = createOutbox({ pool, publisher: silent });
  const [trunk] = await trunksInUse(pool);
  const claims: number[] = [];
  const looks: number[] = [];
  const floors: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const lookAt = performance.now();
    const [campaign] = await runningCampaigns(pool, perClaim);
    looks.push(performance.now() - lookAt);
    if (campaign === undefined || trunk === undefined) throw new Error('the campaign is not in progress');
    const claimAt = performance.now();
    const claimed = await claimCalls({
      outbox,
      dialerId: ids.dialerId,
      campaign,
      trunk,
      attemptIds: newAttemptIds(perClaim),
    });
    claims.push(performance.now() - claimAt);
    if (claimed.length !== perClaim) throw new Error(`claimed ${claimed.length} instead of ${perClaim}`);
    floors.push(
      await floor(
        pool,
        ids,
        claimed.map(({ callId }) => callId),
      ),
    );
  }
  const [claimMs, floorMs] = [quantile(claims, 0.5), quantile(floors, 0.5)];
  print('claim', {
    waiting,
    calls: perClaim,
    rounds,
    claimMsP50: round(claimMs),
    claimMsP99: round(quantile(claims, 0.99)),
    lookMsP50: round(quantile(looks, 0.5)),
    floorMsP50: round(floorMs),
    ratioToFloor: round(claimMs / floorMs),
  });
}

/** The bare floor: the same number of rows written by their keys, in one transaction. */
async function floor(pool: Pool, ids: Ids, callIds: string[]): Promise<number> {
  const attemptIds = newAttemptIds(callIds.length);
  const from = performance.now();
  await transaction(pool, async (tx) => {
    const trunk = await tx.query<{ id: string }>({
      name: 'floor-trunk',
      text: 'select id from trunks limit 1',
    });
    await tx.query({
      name: 'floor-update',
      text: 'update calls set version = version + 1 where id = any ($1::uuid[])',
      values: [callIds],
    });
    await tx.query({
      name: 'floor-insert',
      text: `insert into attempts (id, call_id, campaign_id, account_id, number, state, trunk_id, dialer_id,
          sip_call_id, sip_from_tag, ended_at)
        select t.id, t.call_id, $1, $2, 100, 'failed', $3, $4, 'x', 'x', now()
        from unnest($5::uuid[], $6::uuid[]) t (id, call_id)`,
      values: [ids.campaignId, ids.accountId, trunk.rows[0]?.id, ids.dialerId, attemptIds, callIds],
    });
  });
  return performance.now() - from;
}

/** How Postgres finds the due calls: the nodes of the plan, with the rows and the milliseconds each took. */
async function planOf(pool: Pool, campaignId: string): Promise<string[]> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off) ${lockDueCallsSql.replaceAll('$1', `'${campaignId}'`).replaceAll('$2', String(perClaim))}`,
  );
  return rows.map((row) => row['QUERY PLAN']).filter((line) => /->|Execution/.test(line));
}
