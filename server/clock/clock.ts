import { schedule } from 'node-cron';
import { removeOldKeys } from '@dialstream/shared/db/idempotency.js';
import { transaction, type Pool } from '@dialstream/shared/db/pool.js';
import type { Log } from '@dialstream/shared/log.js';
import {
  dialerPatienceSeconds,
  finishEndedCampaigns,
  pauseAbandonedCampaigns,
  startDueCampaigns,
  tellLapsedDialers,
  type ClockParts,
} from './work.js';

/** Any numbers; the advisory locks of the two kinds of clock work. */
const locks = { eachSecond: 7_234_002, eachHour: 7_234_003 } as const;

/**
 * Does the clock work: each second what is due, each hour what is to be forgotten; of several servers one
 * at a time. Gives a function that stops it and waits for the work under way.
 */
export function startClock({ pool, outbox, log }: ClockParts & { log: Log }): () => Promise<void> {
  const dialers = watchDialers(pool);
  const rounds = [
    repeat('* * * * * *', log, async () => {
      const lonely = await dialers.areMissing();
      await alone(pool, locks.eachSecond, async () => {
        const started = await startDueCampaigns({ pool, outbox });
        const finished = await finishEndedCampaigns({ pool, outbox });
        const paused = lonely ? await pauseAbandonedCampaigns({ pool, outbox }) : 0;
        const lapsed = await tellLapsedDialers({ pool, outbox });
        if (lapsed > 0) log.warn({ lapsed }, 'dialers do not renew their leases');
        if (started + finished > 0) log.info({ started, finished }, 'the clock changed campaigns');
        if (paused > 0) log.error({ paused }, 'campaigns were paused: no dialer is alive');
      });
    }),
    repeat('0 17 * * * *', log, () =>
      alone(pool, locks.eachHour, async () => {
        const keys = await removeOldKeys(pool);
        if (keys > 0) log.debug({ keys }, 'removed old idempotency keys');
      }),
    ),
  ];
  return async () => {
    await Promise.all(rounds.map((stop) => stop()));
  };
}

/**
 * Works while no other process does. False: one does. The lock is that of a transaction, so that it ends
 * with its holder.
 */
export async function alone(pool: Pool, lock: number, work: () => Promise<void>): Promise<boolean> {
  return transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
      lock,
    ]);
    if (!rows[0]?.taken) return false;
    await work();
    return true;
  });
}

/**
 * Tells whether no dialer has been alive for so long as this process has looked, and that is long enough.
 * A fresh start, or Postgres away, keeps dialers from renewing their leases as well: then they get their time.
 */
export function watchDialers(
  pool: Pool,
  nowMs: () => number = () => performance.now(),
): { areMissing(): Promise<boolean> } {
  let missingSinceMs: number | null = null;
  return {
    async areMissing() {
      const since = missingSinceMs ?? nowMs();
      missingSinceMs = null;
      const { rowCount } = await pool.query(`select from dialers where alive_until > now() limit 1`);
      if (rowCount === 1) return false;
      missingSinceMs = since;
      return nowMs() - since >= dialerPatienceSeconds * 1_000;
    },
  };
}

function repeat(expression: string, log: Log, work: () => Promise<unknown>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let failing = false;
  const tick = (): void => {
    // A round that takes longer than its pause is not begun twice.
    running ??= work()
      .then(() => {
        failing = false;
      })
      .catch((error: unknown) => {
        if (!failing) log.warn({ err: error }, 'the clock work failed; it is tried again');
        failing = true;
      })
      .finally(() => {
        running = null;
      });
  };
  // node-cron writes plain lines to the console otherwise. A tick that was missed needs none: another follows.
  const logger = {
    debug: (message: string | Error) => log.debug(message),
    info: (message: string) => log.debug(message),
    warn: (message: string) => log.debug(message),
    error: (message: string | Error) => log.error(message),
  };
  const task = schedule(expression, tick, { logger, suppressMissedWarning: true });
  return async () => {
    await task.destroy();
    await running;
  };
}
