import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Authenticate, Principal } from '../principal.js';
import type { Connection } from './connection.js';

export interface Rights {
  add(connection: Connection, token: string): void;
  remove(connection: Connection): void;
  /** Closes the connections whose token gives other rights by now, or none. */
  check(): Promise<void>;
}

const checkMs = 2_000;
const tokensAtOnce = 20;

/** Watches over the rights of open connections; each token is asked about once, however many have it. */
export function watchRights(authenticate: Authenticate, log: Log): Rights {
  const byToken = new Map<string, Set<Connection>>();
  const tokenOf = new Map<Connection, string>();

  async function checkToken(token: string): Promise<void> {
    try {
      const principal = await within(checkMs, 'authentication', authenticate(token));
      const stale = [...(byToken.get(token) ?? [])].filter((one) => !isSame(one.principal, principal));
      for (const connection of stale) connection.close();
    } catch (error) {
      log.debug({ err: error }, 'rights could not be checked; they stay until the next time');
    }
  }

  return {
    add(connection, token) {
      tokenOf.set(connection, token);
      const connections = byToken.get(token);
      if (connections) connections.add(connection);
      else byToken.set(token, new Set([connection]));
    },
    remove(connection) {
      const token = tokenOf.get(connection);
      if (token === undefined) return;
      tokenOf.delete(connection);
      const connections = byToken.get(token);
      connections?.delete(connection);
      if (connections?.size === 0) byToken.delete(token);
    },
    async check() {
      const tokens = [...byToken.keys()];
      for (let i = 0; i < tokens.length; i += tokensAtOnce) {
        await Promise.all(tokens.slice(i, i + tokensAtOnce).map(checkToken));
      }
    },
  };
}

function isSame(before: Principal, after: Principal | null): boolean {
  return after !== null && before.accountId === after.accountId && before.role === after.role;
}
