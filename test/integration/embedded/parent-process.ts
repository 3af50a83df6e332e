import { startPostgres } from '@dialstream/shared/embedded/postgres.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { createLog } from '@dialstream/shared/log.js';

/** Starts both services in the directory given and tells their URLs, then waits to be killed. */
const [, , dataDir = ''] = process.argv;
const log = createLog('parent', 'silent');
const [postgres, redis] = await Promise.all([startPostgres({ dataDir, log }), startRedis({ dataDir, log })]);
process.send?.({ databaseUrl: postgres.url, redisUrl: redis.url, pids: [postgres.pid, redis.pid] });
await Promise.race([postgres.exited, redis.exited]);
