// `npm run migrate`: brings the database of DATABASE_URL up to this program's schema.
import { build, orExplain, prepare, PrepareError } from './prepare.mjs';

await orExplain(async () => {
  await prepare([]);
  await build();
  const { ConfigError, loadConfig } = await import('../dist/shared/config.js');
  const { createLog } = await import('../dist/shared/log.js');
  const { migrate } = await import('../dist/shared/db/migrate.js');
  try {
    const { databaseUrl, logLevel } = loadConfig();
    if (!databaseUrl) throw new ConfigError('DATABASE_URL: is missing');
    await migrate(databaseUrl, createLog('migrate', logLevel));
  } catch (error) {
    throw error instanceof ConfigError ? new PrepareError(error.message) : error;
  }
});
