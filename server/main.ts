import { loadStoresConfig, orExit, type Config } from '@dialstream/shared/config.js';
import { ensureRootAccount } from '@dialstream/shared/db/accounts.js';
import { migrate } from '@dialstream/shared/db/migrate.js';
import { createPool } from '@dialstream/shared/db/pool.js';
import { keptSecret } from '@dialstream/shared/embedded/kept-secret.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';
import { Registry } from 'prom-client';
import { acceptBacklog } from './accept-backlog.js';
import { createApp } from './app.js';
import { createAuthenticate, createAuthenticateStream, createFindPrincipal } from './auth.js';
import { startClock } from './clock/clock.js';
import { createGateway } from './gateway/gateway.js';
import { createStreamTokens } from './stream-tokens.js';

const { config, databaseUrl, redisUrl } = orExit(loadStoresConfig);
const log = createLog('server', config.logLevel);

await runUntilSignal(log, config.drainSeconds, async (defer) => {
  const { host, port, redisPrefix: prefix } = config;
  const pool = createPool({ databaseUrl, log, name: 'server', max: 20 });
  defer(() => pool.end());
  const redis = createRedis(redisUrl, 'server', log);
  defer(() => redis.disconnect());
  await redisReady(redis);
  await migrate(databaseUrl, log);
  await ensureRootAccount(pool, config.adminKey ?? (await keptSecret(config.dataDir, 'admin-key', 'ds_')));
  const publisher = createPublisher({ pool, redis, prefix, log });
  publisher.start();
  defer(() => publisher.close());
  const outbox = createOutbox({ pool, publisher });
  const authenticate = createAuthenticate(pool);
  const findPrincipal = createFindPrincipal(pool);
  const streamTokens = createStreamTokens(pool);
  const authenticateStream = createAuthenticateStream(authenticate, findPrincipal, streamTokens);

  const registry = new Registry();

  const app = await createApp({
    pool,
    redis,
    outbox,
    log,
    authenticate,
    authenticateStream,
    streamTokens,
    registry,
    drainMs: config.drainSeconds * 1_000,
  });
  defer(() => app.close());
  const gateway = createGateway({
    httpServer: app.server,
    redis,
    pool,
    prefix,
    log,
    authenticate: authenticateStream,
    findPrincipal,
    registry,
  });
  defer(() => gateway.close());
  defer(startClock({ pool, outbox, log }));
  await app
    .listen({ host, port, backlog: acceptBacklog })
    .catch((error: unknown) => explainListening(error, config));
});

/** Names port and variable on one line of their own: it is the fault that newcomers meet. */
function explainListening(error: unknown, { host, port }: Config): never {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  const line = `PORT: ${host}:${port} is in use`;
  process.stderr.write(`${line}\n`);
  throw new Error(line, { cause: error });
}
