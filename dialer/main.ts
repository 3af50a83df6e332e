import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { loadStoresConfig, orExit } from '@dialstream/shared/config.js';
import { createPool } from '@dialstream/shared/db/pool.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog, type Log } from '@dialstream/shared/log.js';
import { createAttemptRunner, type AttemptRunner } from './attempt-runner.js';
import { createChangeWriter, type ChangeWriter } from './change-writer.js';
import { takeLease } from './lease.js';
import { createLimits } from './limits.js';
import { createOrphans } from './orphans.js';
import { createReaper } from './reaper.js';
import { every } from './rounds.js';
import { createScheduler } from './scheduler.js';
import { connectDrachtio } from './sip/drachtio.js';

const { config, databaseUrl, redisUrl } = orExit(loadStoresConfig);
const log = createLog('dialer', config.logLevel);
const dialerId = uuidv7();
const renewPlacesEveryMs = 5_000;
const reapEveryMs = 1_000;
/** After the drain's deadline: for the BYEs of the conversations that were cut. */
const cutSeconds = 5;

await runUntilSignal(log, config.drainSeconds, async (defer) => {
  const prefix = config.redisPrefix;
  const pool = createPool({ databaseUrl, log, name: 'dialer' });
  defer(() => pool.end());
  const redis = createRedis(redisUrl, 'dialer', log);
  defer(() => redis.disconnect());
  await redisReady(redis);
  const publisher = createPublisher({ pool, redis, prefix, log });
  publisher.start();
  defer(() => publisher.close());
  const outbox = createOutbox({ pool, publisher });
  const { host = '127.0.0.1', port, secret } = config.drachtio;
  const connection = await connectDrachtio({ host, port, secret, log });
  defer(() => connection.close());

  const lease = await takeLease({ pool, outbox, dialerId, log, onLost: () => process.exit(1) });
  defer(() => lease.stop());
  const limits = createLimits(redis, prefix);
  const writer = createChangeWriter({ outbox, dialerId, log });
  const orphans = createOrphans({ connection, writer, limits, log });
  defer(() => orphans.stop());
  const { rtp } = config;
  const leaseHolds = (): boolean => lease.holds();
  const runner = createAttemptRunner({ connection, writer, limits, orphans, log, leaseHolds, rtp });
  const isFollowed = (id: string): boolean => runner.open.has(id) || orphans.open.has(id);
  const reaper = createReaper({ pool, outbox, dialerId, lease, orphans, isFollowed, log });
  defer(every(reapEveryMs, 'reaping', log, () => reaper.tick()));
  const renewPlaces = async (): Promise<void> => limits.renew(new Map([...runner.open, ...orphans.open]));
  defer(every(renewPlacesEveryMs, 'renewing places', log, renewPlaces));
  redis.on('ready', () => {
    renewPlaces().catch((error: unknown) => log.warn({ err: error }, 'places are not renewed yet'));
  });

  const mayDial = (): boolean => lease.holds() && connection.isConnected();
  const scheduler = createScheduler({ pool, outbox, limits, runner, dialerId, log, mayDial });
  defer(() => drain(runner, writer, log));
  defer(() => lease.drain());
  defer(() => scheduler.stop());
  scheduler.start();
  log.info({ dialerId }, 'dialing');
});

/** What rings is cancelled; who talks may end, until the deadline; then everything is ended. */
async function drain(runner: AttemptRunner, writer: ChangeWriter, log: Log): Promise<void> {
  runner.cancelUnanswered();
  log.info({ attempts: runner.open.size }, 'draining');
  const idle = async (seconds: number): Promise<boolean> => {
    const end = performance.now() + seconds * 1_000;
    while (runner.open.size > 0 && performance.now() < end) await delay(50);
    return runner.open.size === 0;
  };
  if (!(await idle(config.drainSeconds))) {
    log.warn({ attempts: runner.open.size }, 'conversations are cut at the end of the drain');
    runner.hangUpAll();
    await idle(cutSeconds);
  }
  const end = performance.now() + cutSeconds * 1_000;
  while (writer.pending > 0 && performance.now() < end) await delay(20);
}
