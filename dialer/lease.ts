import { hostname } from 'node:os';
import {
  leaseSeconds,
  markDraining,
  markReturned,
  markStopped,
  registerDialer,
  renewDialer,
  type DialerChange,
} from '@dialstream/shared/db/dialers.js';
import type { Pool, Tx } from '@dialstream/shared/db/pool.js';
import { tellDialers } from '@dialstream/shared/events/dialer-events.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
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
  outbox: Outbox;
  dialerId: string;
  log: Log;
  /** Others have declared this dialer dead. */
  onLost: () => void;
}

export async function takeLease({ pool, outbox, dialerId, log, onLost }: LeaseOptions): Promise<Lease> {
  let renewedAt = performance.now();
  let heldSince = renewedAt;
  let renewing: Promise<void> | null = null;
  const tell = async (change: (tx: Tx) => Promise<DialerChange[]>): Promise<void> => {
    await tellDialers({ pool, outbox }, change);
  };
  await tell((tx) => registerDialer(tx, dialerId, hostname(), process.pid));

  const holds = (): boolean => performance.now() - renewedAt < leaseSeconds * 1_000 - marginMs;

  async function renew(): Promise<void> {
    const startedAt = performance.now();
    try {
      const renewal = await renewDialer(pool, dialerId);
      if (renewal === 'lost') {
        log.error({ dialerId }, 'this dialer was declared dead');
        onLost();
        return;
      }
      if (!holds()) heldSince = startedAt;
      renewedAt = startedAt;
      if (renewal === 'lapsed') await tell((tx) => markReturned(tx, dialerId));
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
    drain: () => tell((tx) => markDraining(tx, dialerId)),
    async stop() {
      clearInterval(timer);
      await renewing;
      await tell((tx) => markStopped(tx, dialerId));
    },
  };
}
