import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@dialstream/shared/embedded/postgres.js';
import { isAlive } from '@dialstream/shared/embedded/process-table.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { expect } from '../../support/fixtures.js';
import { withPool, withRedis } from './clients.js';
import { test } from './fixtures.js';

const script = fileURLToPath(import.meta.resolve('@dialstream/test/integration/embedded/parent-process.js'));

test('after SIGKILL of their parent, a new start ends the old services and has all data', async ({
  dataDir,
  log,
}) => {
  const parent = fork(script, [dataDir], { execArgv: [] });
  const started = once(parent, 'message') as Promise<
    [{ databaseUrl: string; redisUrl: string; pids: number[] }]
  >;
  const [{ databaseUrl, redisUrl, pids }] = await within(20_000, 'start', started);
  await withRedis(redisUrl, (redis) => redis.set('kept', 'yes'));
  await withPool(databaseUrl, async (pool) => {
    await pool.query('create table kept as select 42 as answer');
    const died = once(parent, 'exit');
    parent.kill('SIGKILL');
    await within(5_000, 'death', died);
    // Nobody has told them: they go on without a parent.
    expect(pids.map(isAlive)).toEqual([true, true]);
    await pool.query('insert into kept values (43)');
  });

  const postgres = await startPostgres({ dataDir, log });
  const redis = await startRedis({ dataDir, log });
  expect(pids.map(isAlive)).toEqual([false, false]);
  expect([postgres.url, redis.url]).toEqual([databaseUrl, redisUrl]);
  const kept = await withPool(postgres.url, (pool) => pool.query('select answer from kept order by 1'));
  expect(kept.rows).toEqual([{ answer: 42 }, { answer: 43 }]);
  expect(await withRedis(redis.url, (client) => client.get('kept'))).toBe('yes');
  await Promise.all([postgres.stop(), redis.stop()]);
});
