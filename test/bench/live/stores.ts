import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { addKey } from '@dialstream/shared/db/api-keys.js';
import { migrate } from '@dialstream/shared/db/migrate.js';
import { createPool, transaction } from '@dialstream/shared/db/pool.js';
import { startPostgres, type PostgresOptions } from '@dialstream/shared/embedded/postgres.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { createLog } from '@dialstream/shared/log.js';
import { addAccount, addCampaign } from '../../support/records.js';

export interface StoreUrls {
  databaseUrl: string;
  redisUrl: string;
  /** Leads all Redis keys. */
  prefix: string;
}

/** Postgres and Redis of a bench's own, with one campaign that clients can subscribe to. */
export interface Stores {
  urls: StoreUrls;
  campaign: { accountId: string; campaignId: string };
  topic: string;
  /** An API key. */
  token: string;
  stop(): Promise<void>;
}

const log = createLog('bench', 'warn');

export async function startStores(postgresOptions: Partial<PostgresOptions> = {}): Promise<Stores> {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-bench-'));
  const postgres = await startPostgres({ dataDir, log, ...postgresOptions });
  const redis = await startRedis({ dataDir, log });
  const urls = { databaseUrl: postgres.url, redisUrl: redis.url, prefix: 'bench' };
  async function stop(): Promise<void> {
    await redis.stop();
    await postgres.stop();
    await fs.rm(dataDir, { recursive: true, force: true });
  }
  try {
    await migrate(postgres.url, log);
    return { urls, ...(await addRecords(postgres.url)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addRecords(databaseUrl: string) {
  const pool = createPool({ databaseUrl, log, name: 'bench' });
  const secret = randomBytes(24).toString('base64url');
  try {
    const accountId = await addAccount(pool);
    const campaignId = await addCampaign(pool, accountId);
    await transaction(pool, (tx) => addKey(tx, { accountId, name: 'bench', role: 'viewer', secret }));
    return { campaign: { accountId, campaignId }, topic: `campaign:${campaignId}`, token: secret };
  } finally {
    await pool.end();
  }
}
