import { randomBytes } from 'node:crypto';
import { createPool } from '@dialstream/shared/db/pool.js';
import { createLog } from '@dialstream/shared/log.js';
import { inject, test as base } from 'vitest';
import { cloneDatabase, dropDatabase } from './database.js';

/**
 * Real Postgres and Redis for a test. `databaseUrl` and the pool `db` on it are the test file's own, a copy
 * of the migrated template; the file fails when it leaves a connection open. `redisPrefix` is the test's own.
 */
export const test = base
  .extend('log', { scope: 'file' }, () => createLog('test', process.env['TEST_LOG_LEVEL'] ?? 'silent'))
  .extend('adminUrl', { scope: 'file' }, () => inject('services').databaseUrl)
  .extend('databaseUrl', { scope: 'file' }, async ({ adminUrl }, { onCleanup }) => {
    const databaseUrl = await cloneDatabase(adminUrl);
    onCleanup(() => dropDatabase(adminUrl, databaseUrl));
    return databaseUrl;
  })
  .extend('db', { scope: 'file' }, async ({ databaseUrl, log }, { onCleanup }) => {
    const pool = createPool({ databaseUrl, log, name: 'test' });
    onCleanup(() => pool.end());
    return pool;
  })
  .extend('redisUrl', { scope: 'file' }, () => inject('services').redisUrl)
  .extend('redisPrefix', () => `test-${randomBytes(6).toString('hex')}`);

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest';
