import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Session } from './session.js';
import type { FindPrincipal } from './stream-rights.js';

export interface RightsWatch {
  add(session: Session): void;
  remove(session: Session): void;
  /** Ends the rights of sessions whose key was revoked or whose token has expired, and changes those that changed. */
  check(): Promise<void>;
}

const checkMs = 2_000;
const keysAtOnce = 20;

/** Watches over the rights of open connections; each key is asked about once, however many use it. */
export function watchRights(findPrincipal: FindPrincipal, log: Log): RightsWatch {
  const byKey = new Map<string, Set<Session>>();

  async function checkKey(keyId: string, sessions: ReadonlySet<Session>): Promise<void> {
    const now = new Date();
    try {
      const principal = await within(checkMs, 'authentication', findPrincipal(keyId));
      // A copy: those whose rights end are removed.
      const all = [...sessions];
      for (const session of all) session.reconsider(principal, now);
    } catch (error) {
      log.debug({ err: error }, 'rights could not be checked; they stay until the next time');
    }
  }

  return {
    add(session) {
      const sessions = byKey.get(session.keyId);
      if (sessions) sessions.add(session);
      else byKey.set(session.keyId, new Set([session]));
    },
    remove(session) {
      const sessions = byKey.get(session.keyId);
      sessions?.delete(session);
      if (sessions?.size === 0) byKey.delete(session.keyId);
    },
    async check() {
      const all = [...byKey];
      for (let i = 0; i < all.length; i += keysAtOnce) {
        await Promise.all(all.slice(i, i + keysAtOnce).map(([keyId, sessions]) => checkKey(keyId, sessions)));
      }
    },
  };
}
