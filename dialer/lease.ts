import { hostname } from 'node:os';
import {
  leaseSeconds,
  markDraining,
  markStopped,
  registerDialer,
  renewDialer,
} from '@dialstream/shared/db/dialers.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Log } from '@dialstream/shared/log.js';

/** A dialer's right to its attempts. Past its end others take them over, so past it no INVITE may leave. */
export interface Lease {
  /** Whether it holds, judged by our own clock and with a margin, so that we stop before others start. */
  holds(): boolean;
  /** How long it has held without a break, ms. */
  heldForMs(): number;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

const renewEveryMs = 2_000;
const marginMs = 2_000;

export interface LeaseOptions {
  pool: Pool;
  dialerId: string;
  log: Log;
  /** Others have declared this dialer dead. */
  onLost: () => void;
}

export async function takeLease({ pool, dialerId, log, onLost }: LeaseOptions): Promise<Lease> {
  let renewedAt = performance.now();
  let heldSince = renewedAt;
  let renewing: Promise<void> | null = null;
  await registerDialer(pool, dialerId, hostname(), process.pid);

  const holds = (): boolean => performance.now() - renewedAt < leaseSeconds * 1_000 - marginMs;

  async function renew(): Promise<void> {
    const startedAt = performance.now();
    try {
      if (!(await renewDialer(pool, dialerId))) {
        log.error({ dialerId }, 'this dialer was declared dead');
        onLost();
        return;
      }
      if (!holds()) heldSince = startedAt;
      renewedAt = startedAt;
    } catch (error) {
      log.warn({ err: error }, 'the lease could not be renewed');
    }
  }

  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = null;
    });
  }, renewEveryMs);

  return {
    holds,
    heldForMs: () => (holds() ? performance.now() - heldSince : 0),
    drain: () => markDraining(pool, dialerId),
    async stop() {
      clearInterval(timer);
      await renewing;
      await markStopped(pool, dialerId);
    },
  };
}
