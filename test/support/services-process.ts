import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startPostgres } from '@dialstream/shared/embedded/postgres.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';
import { makeTemplate } from './database.js';

/** What this process tells the one that started it, once everything is up. */
export interface ServicesReady {
  databaseUrl: string;
  redisUrl: string;
}

/**
 * Postgres and Redis of one test run, in a process of their own: it ends with whoever started it, however
 * that one dies, so that an interrupted run leaves nothing behind.
 */
const log = createLog('test-services', process.env['TEST_LOG_LEVEL'] ?? 'warn');

await runUntilSignal(log, 30, async (defer) => {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-test-'));
  defer(() => fs.rm(dataDir, { recursive: true, force: true }));
  // The files of the tests need not survive a power cut; crash tests start a Postgres of their own.
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    shared_buffers: '128MB',
  };
  const postgres = await startPostgres({ dataDir, log, settings });
  defer(() => postgres.stop());
  const redis = await startRedis({ dataDir, log });
  defer(() => redis.stop());
  await makeTemplate(postgres.url, log);
  const ready: ServicesReady = { databaseUrl: postgres.url, redisUrl: redis.url };
  process.send?.(ready);
});
