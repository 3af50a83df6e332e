import { createPool } from '@dialstream/shared/db/pool.js';
import { cloneDatabase, dropDatabase } from '../../support/database.js';
import { expect, test } from '../../support/fixtures.js';

test('a test file has a migrated database of its own', async ({ db, adminUrl, databaseUrl }) => {
  const tables = await db.query('select from information_schema.tables where table_name = $1', ['campaigns']);
  expect(tables.rowCount).toBe(1);
  expect(databaseUrl).not.toBe(adminUrl);
});

test('a connection left open fails the file', async ({ adminUrl, log }) => {
  const databaseUrl = await cloneDatabase(adminUrl);
  const leak = createPool({ databaseUrl, log, name: 'leak' });
  await leak.query('select 1');
  await expect(dropDatabase(adminUrl, databaseUrl)).rejects.toThrow('"leak"');
  await leak.end();
});

test('two tests never share a Redis prefix', async ({ redisPrefix }) => {
  expect(redisPrefix).toMatch(/^test-[0-9a-f]{12}$/);
});
