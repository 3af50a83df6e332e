import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@dialstream/shared/db/migrate.js';
import { createPool, type Pool } from '@dialstream/shared/db/pool.js';
import { createLog, type Log } from '@dialstream/shared/log.js';

const template = 'template_migrated';

/** Makes the migrated database that every test file's own one is a copy of. */
export async function makeTemplate(adminUrl: string, log: Log): Promise<void> {
  await onServer(adminUrl, (server) => server.query(`create database ${template}`));
  await migrate(withDatabase(adminUrl, template), log);
}

/** A fresh copy of the template. Gives its URL. */
export async function cloneDatabase(adminUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(adminUrl, (server) =>
    // Refused while another copy is being made (object_in_use).
    retried('55006', () => server.query(`create database ${name} template ${template}`)),
  );
  return withDatabase(adminUrl, name);
}

/**
 * Drops a test file's database. Throws when something is still connected, naming it: whoever opens a pool
 * closes it.
 */
export async function dropDatabase(adminUrl: string, databaseUrl: string): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  await onServer(adminUrl, async (server) => {
    try {
      // Postgres itself waits 5 s for connections that are just going.
      await server.query(`drop database ${name}`);
    } catch (error) {
      const left = await server.query<{ application_name: string; query: string }>(
        'select application_name, query from pg_stat_activity where datname = $1',
        [name],
      );
      await server.query(`drop database ${name} with (force)`);
      const names = left.rows.map((row) => `"${row.application_name}" (last: ${row.query})`);
      throw new Error(`Connections left open by this file: ${names.join('; ')}`, { cause: error });
    }
  });
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function onServer<T>(databaseUrl: string, work: (server: Pool) => Promise<T>): Promise<T> {
  const server = createPool({ databaseUrl, log: createLog('test', 'silent'), name: 'test-support', max: 1 });
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

async function retried<T>(code: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== code || tries === 100) throw error;
      await sleep(50);
    }
  }
}
