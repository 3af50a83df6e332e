import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { Log } from '../log.js';

/** The folder of the numbered SQL migrations; it is read from the sources, not from the build. */
const migrationsDir = path.join(
  path.dirname(fileURLToPath(import.meta.resolve('@dialstream/shared/package.json'))),
  'db',
  'migrations',
);

/**
 * Brings the database up to this program's schema. Several processes may do so at once: an advisory lock
 * lets one work and the others wait. Throws when the database has migrations that this program lacks.
 */
export async function migrate(databaseUrl: string, log: Log): Promise<void> {
  const applied = await runner({
    databaseUrl,
    dir: migrationsDir,
    direction: 'up',
    migrationsTable: 'migrations',
    checkOrder: true,
    advisoryLockMode: 'wait',
    singleTransaction: true,
    log: (line) => log.debug(line),
  });
  for (const { name } of applied) log.info({ migration: name }, 'migrated');
}
