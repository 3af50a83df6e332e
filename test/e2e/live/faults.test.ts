import { expect, test } from '../../support/fixtures.js';
import { seededRandom } from '../../support/seeded-random.js';
import { UnkindProxy } from '../../support/unkind-proxy.js';
import { strikeUntil } from './blows.js';
import { gather, type Follower } from './followers.js';
import type { TopicRecord } from './oracle.js';
import { Scene } from './scene.js';
import { faultsIn } from './verdict.js';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`FAULT_SEED=${seed}\n`);

function secondSnapshots({ who, topic, entries }: TopicRecord): string[] {
  const snapshots = entries.filter(({ kind }) => kind === 'snapshot').length;
  return snapshots > 1 ? [`${who}, ${topic}: ${snapshots} snapshots`] : [];
}

test(
  `clients miss nothing while everything breaks, FAULT_SEED=${seed}`,
  { timeout: 240_000 },
  async ({ adminUrl, log }) => {
    const scene = await Scene.start({ adminUrl, log, seed });
    const proxy = new UnkindProxy({ targets: scene.ports, seed, meanMs: 1_000 });
    const followers: Follower[] = [];
    try {
      followers.push(...(await gather(20, scene, proxy, seed)));
      await scene.addWriter(180);
      await scene.addWriter(180);
      await strikeUntil(10_000, scene, seededRandom(seed));
      await scene.settle();
      proxy.calm();
      expect(await faultsIn(scene, followers)).toEqual([]);
      // Redis came back with all it had: whoever was cut off has gone on from its cursor.
      expect(followers.flatMap(({ records }) => records.flatMap(secondSnapshots))).toEqual([]);
      expect(Math.min(...Object.values(proxy.suffered))).toBeGreaterThan(10);
      expect(proxy.connections).toBeGreaterThan(10 * followers.length);
      expect(followers.reduce((sum, { reloads }) => sum + reloads, 0)).toBeGreaterThan(10);
    } finally {
      for (const follower of followers) follower.close();
      proxy.close();
      await scene.close();
    }
  },
);
