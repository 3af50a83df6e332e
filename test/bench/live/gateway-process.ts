import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { acceptBacklog } from '@dialstream/server/accept-backlog.js';
import {
  createAuthenticate,
  createAuthenticateStream,
  createFindPrincipal,
} from '@dialstream/server/auth.js';
import { createGateway } from '@dialstream/server/gateway/gateway.js';
import { createStreamTokens } from '@dialstream/server/stream-tokens.js';
import { createPool } from '@dialstream/shared/db/pool.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import { createLog } from '@dialstream/shared/log.js';
import { ownProfile } from './profile.js';
import { answerParent, ownUse } from './child.js';
import type { StoreUrls } from './stores.js';

/** The gateway alone, as the server has it: what is measured of this process is the gateway's. */
const answers = {
  /** `port` 0: any. */
  async start({ databaseUrl, redisUrl, prefix, port }: StoreUrls & { port: number }): Promise<number> {
    const log = createLog('gateway', 'warn');
    const pool = createPool({ databaseUrl, log, name: 'gateway', max: 20 });
    const redis = createRedis(redisUrl, 'gateway', log);
    await redisReady(redis);
    const httpServer = createServer();
    const findPrincipal = createFindPrincipal(pool);
    const authenticate = createAuthenticateStream(
      createAuthenticate(pool),
      findPrincipal,
      createStreamTokens(pool),
    );
    createGateway({ httpServer, redis, pool, prefix, log, authenticate, findPrincipal });
    httpServer.listen({ port, host: '127.0.0.1', backlog: acceptBacklog });
    await once(httpServer, 'listening');
    return (httpServer.address() as AddressInfo).port;
  },
  use: ownUse,
  profile: ownProfile,
};
export type GatewayAnswers = typeof answers;
answerParent(answers);
