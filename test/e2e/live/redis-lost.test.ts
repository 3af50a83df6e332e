import { until } from '@dialstream/shared/embedded/waiting.js';
import { expect, test } from '../../support/fixtures.js';
import { UnkindProxy } from '../../support/unkind-proxy.js';
import { gather, type Follower } from './followers.js';
import { Scene } from './scene.js';
import { faultsIn } from './verdict.js';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`FAULT_SEED=${seed}\n`);

const patienceMs = 60_000;

/** As one that writes snapshots only, or a replica that takes over from a master which it lagged behind. */
const older = 'comes back with an older state';

/** How Redis loses what it holds. */
const losses: Record<string, (scene: Scene, followers: readonly Follower[]) => Promise<unknown>> = {
  'is emptied': ({ redis }) => redis.flushall(),
  async 'starts again without its data'({ redisServer }) {
    await redisServer.kill();
    await redisServer.loseFiles();
    await redisServer.startAgain();
  },
  /** Nobody is there to be told of it: who comes back has to find out. */
  async 'is emptied while the servers are down'({ redis, servers }, followers) {
    await Promise.all(servers.map((server) => server.kill()));
    const isAnyLive = (): boolean => followers.some(({ isLive }) => isLive);
    await until(() => !isAnyLive(), { withinMs: 10_000, what: 'nobody calls itself live without a server' });
    await redis.flushall();
    await Promise.all(servers.map((server) => server.start()));
  },
  async [older](scene) {
    await scene.redis.save();
    await scene.moreCommitted(200, patienceMs);
    await scene.redisServer.kill();
    await scene.redisServer.startAgain();
  },
};

test.for(Object.keys(losses))(
  `nobody shows a wrong count when Redis %s, FAULT_SEED=${seed}`,
  { timeout: 240_000 },
  async (loss, { adminUrl, log }) => {
    const scene = await Scene.start({ adminUrl, log, seed, redisSnapshots: loss === older });
    const proxy = new UnkindProxy({ targets: scene.ports, seed, meanMs: 3_000 });
    const followers: Follower[] = [];
    try {
      followers.push(...(await gather(10, scene, proxy, seed)));
      await scene.addWriter(100);
      await scene.addWriter(100);
      for (let times = 1; times <= 2; times += 1) {
        await scene.moreCommitted(400, patienceMs);
        await losses[loss]?.(scene, followers);
      }
      await scene.moreCommitted(200, patienceMs);
      await scene.settle();
      proxy.calm();
      expect(await faultsIn(scene, followers)).toEqual([]);
    } finally {
      for (const follower of followers) follower.close();
      proxy.close();
      await scene.close();
    }
  },
);
