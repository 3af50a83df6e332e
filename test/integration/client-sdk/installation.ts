import type { AddressInfo } from 'node:net';
import {
  createAuthenticate,
  createAuthenticateStream,
  createFindPrincipal,
} from '@dialstream/server/auth.js';
import { createGateway, type Gateway } from '@dialstream/server/gateway/gateway.js';
import { createStreamTokens } from '@dialstream/server/stream-tokens.js';
import { addAccount } from '../../support/records.js';
import { test as base } from '../../support/fixtures.js';
import { openHttp, type Http } from '../server/http.js';

export { describe, expect } from '../../support/fixtures.js';

/** A server as `server/main.ts` puts it together, without its clock; it listens on a port of its own. */
export interface Installation {
  url: string;
  http: Http;
  gateway: Gateway;
  /** A new account and the key of its admin. */
  account: () => Promise<{ accountId: string; key: string }>;
}

export const test = base.extend(
  'installation',
  async ({ db, redisUrl, redisPrefix, log }, { onCleanup }): Promise<Installation> => {
    const { http, redis, close } = await openHttp({ db, redisUrl, redisPrefix, log });
    const findPrincipal = createFindPrincipal(db);
    const gateway = createGateway({
      httpServer: http.app.server,
      redis,
      pool: db,
      prefix: redisPrefix,
      log,
      authenticate: createAuthenticateStream(createAuthenticate(db), findPrincipal, createStreamTokens(db)),
      findPrincipal,
    });
    onCleanup(async () => {
      await gateway.close();
      await close();
    });
    await http.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = http.app.server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      http,
      gateway,
      async account() {
        const accountId = await addAccount(db);
        return { accountId, key: await http.key(accountId, 'admin') };
      },
    };
  },
);
