import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { clusterProcesses } from '@dialstream/shared/embedded/postgres-cluster.js';
import { postgresAccount } from '@dialstream/shared/embedded/postgres-programs.js';
import { startPostgres } from '@dialstream/shared/embedded/postgres.js';
import { isAlive } from '@dialstream/shared/embedded/process-table.js';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import { expect } from '../../support/fixtures.js';
import { withPool } from './clients.js';
import { test } from './fixtures.js';

test('Postgres keeps its files, port and password from one start to the next', async ({ dataDir, log }) => {
  const first = await startPostgres({ dataDir, log });
  await withPool(first.url, (pool) => pool.query('create table kept as select 42 as answer'));
  await first.stop();
  expect(await first.exited).toEqual({ code: 0, signal: null });

  const second = await startPostgres({ dataDir, log });
  expect(second.url).toBe(first.url);
  const rows = await withPool(second.url, (pool) => pool.query('select answer from kept'));
  expect(rows.rows).toEqual([{ answer: 42 }]);
  await second.stop();
});

test('Postgres is durable, speaks UTF-8 and UTC, and its role is no superuser', async ({ dataDir, log }) => {
  const postgres = await startPostgres({ dataDir, log });
  const { rows } = await withPool(postgres.url, (pool) =>
    pool.query(
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
              current_setting('server_encoding') as encoding, current_setting('timezone') as zone,
              current_setting('is_superuser') as superuser`,
    ),
  );
  expect(rows).toEqual([{ fsync: 'on', commit: 'on', encoding: 'UTF8', zone: 'UTC', superuser: 'off' }]);
  await postgres.stop();
});

test('no password, no entry, and the password is on no command line', async ({ dataDir, log }) => {
  const postgres = await startPostgres({ dataDir, log });
  const wrong = new URL(postgres.url);
  const { password } = wrong;
  wrong.password = 'guessed';
  await expect(withPool(wrong.href, (pool) => pool.query('select 1'))).rejects.toThrow(/password/);
  expect(password.length).toBeGreaterThan(30);
  const commandLine = await fs.readFile(`/proc/${postgres.pid}/cmdline`, 'utf8');
  expect(commandLine).toContain('postgres');
  expect(commandLine).not.toContain(password);
  const kept = await fs.stat(path.join(dataDir, 'postgres/password'));
  expect(kept.mode & 0o077).toBe(0);
  await postgres.stop();
});

test('a data directory that other users may enter works as well', async ({ dataDir, log }) => {
  // A temporary directory has mode 0700, so the other tests show the case of a clone below /root.
  await fs.chmod(dataDir, 0o755);
  const postgres = await startPostgres({ dataDir, log });
  const commandLine = await fs.readFile(`/proc/${postgres.pid}/cmdline`, 'utf8');
  expect(commandLine).toContain(path.join(dataDir, 'postgres/cluster'));
  await postgres.stop();
});

test('a pid file whose pid is now another process does not hinder the start', async ({ dataDir, log }) => {
  const first = await startPostgres({ dataDir, log });
  await first.stop();
  // Postgres takes any living process of its own user for another postmaster.
  const stranger = spawn('sleep', ['60'], { ...(await postgresAccount()), cwd: '/', stdio: 'ignore' });
  await once(stranger, 'spawn');
  const pidFile = path.join(dataDir, 'postgres/cluster/postmaster.pid');
  await fs.writeFile(pidFile, `${stranger.pid}\n/proc/self/cwd\n1\n5432\n\n127.0.0.1\n`);

  const second = await startPostgres({ dataDir, log });
  await withPool(second.url, (pool) => pool.query('select 1'));
  expect(stranger.exitCode).toBe(null);
  stranger.kill();
  await second.stop();
});

const working = `select from pg_stat_activity where state = 'active' and query like '%1e10%' and pid <> pg_backend_pid()`;

test('after SIGKILL of the postmaster, backends still at work do not hinder the start', async ({
  dataDir,
  log,
}) => {
  const first = await startPostgres({ dataDir, log });
  await withPool(first.url, async (pool) => {
    await pool.query('create table committed as select 1 as row');
    // A backend inside one statement does not notice that its postmaster has gone.
    const busy = pool.query('select count(*) from generate_series(1, 1e10)').catch((error: Error) => error);
    await until(async () => (await pool.query(working)).rowCount === 1, { withinMs: 5_000, what: 'at work' });
    process.kill(first.pid, 'SIGKILL');
    expect(await within(5_000, 'death', first.exited)).toEqual({ code: null, signal: 'SIGKILL' });

    const second = await startPostgres({ dataDir, log, port: first.port });
    expect(await busy).toBeInstanceOf(Error);
    expect((await pool.query('select row from committed')).rows).toEqual([{ row: 1 }]);
    await second.stop();
  });
  expect(isAlive(first.pid)).toBe(false);
  expect(clusterProcesses(path.join(dataDir, 'postgres/cluster'))).toEqual([]);
});

test('a port taken by somebody else falls to another one, unless that port is asked for', async ({
  dataDir,
  log,
}) => {
  const first = await startPostgres({ dataDir, log });
  await first.stop();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(first.port, '127.0.0.1', resolve));

  await expect(startPostgres({ dataDir, log, port: first.port })).rejects.toThrow(
    `port ${first.port} is in use`,
  );
  const second = await startPostgres({ dataDir, log });
  expect(second.port).not.toBe(first.port);
  await withPool(second.url, (pool) => pool.query('select 1'));
  await second.stop();
  await new Promise((resolve) => squatter.close(resolve));
});

test('a Postgres that cannot start says why', async ({ dataDir, log }) => {
  const settings = { shared_buffers: 'plenty' };
  await expect(startPostgres({ dataDir, log, settings })).rejects.toThrow(/shared_buffers.*plenty/s);
});
