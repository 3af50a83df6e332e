import {
  attemptsOf,
  buryDialers,
  dialersThatLeftAttempts,
  leaseSeconds,
  leasesRunOut,
  takeOverAttempts,
} from '@dialstream/shared/db/dialers.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { tellDialers } from '@dialstream/shared/events/dialer-events.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Lease } from './lease.js';
import type { Orphans } from './orphans.js';

export interface Reaper {
  /** Looks once for attempts that nobody follows, and has them ended. Gives how many it found. */
  tick(): Promise<number>;
}

export interface ReaperOptions {
  pool: Pool;
  outbox: Outbox;
  dialerId: string;
  lease: Lease;
  orphans: Orphans;
  /** Whether this process follows an attempt. */
  isFollowed: (attemptId: string) => boolean;
  log: Log;
}

/** Own attempts younger than this may be about to be followed, s. */
const ownGraceSeconds = 15;

/** Finds the attempts of dead dialers, and own ones whose claim was committed without our knowing. */
export function createReaper({
  pool,
  outbox,
  dialerId,
  lease,
  orphans,
  isFollowed,
  log,
}: ReaperOptions): Reaper {
  return {
    async tick() {
      // After an outage of Postgres every lease has run out. Who comes back first must not bury the others.
      if (lease.heldForMs() < leaseSeconds * 1_000) return 0;
      if ((await leasesRunOut(pool)).unburied) {
        await tellDialers({ pool, outbox }, buryDialers);
        log.warn('dialers have died; what they left is taken over');
      }
      let found = 0;
      for (const dead of await dialersThatLeftAttempts(pool, dialerId)) {
        const attempts = await takeOverAttempts(pool, dead, dialerId);
        for (const attempt of attempts) orphans.end(attempt);
        if (attempts.length > 0)
          log.warn({ dialerId: dead, attempts: attempts.length }, 'took over attempts');
        found += attempts.length;
      }
      for (const attempt of await attemptsOf(pool, dialerId, ownGraceSeconds)) {
        if (isFollowed(attempt.id)) continue;
        orphans.end(attempt);
        found += 1;
      }
      return found;
    },
  };
}
