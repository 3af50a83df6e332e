import type { TopicName } from '@dialstream/shared/events/topics.js';
import { expect, test } from '../../support/fixtures.js';
import { seededRandom } from '../../support/seeded-random.js';
import { UnkindProxy } from '../../support/unkind-proxy.js';
import { strikeUntil } from './blows.js';
import { Follower } from './followers.js';
import { Scene } from './scene.js';
import { faultsIn } from './verdict.js';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`FAULT_SEED=${seed}\n`);

test(
  `clients miss nothing while everything breaks, FAULT_SEED=${seed}`,
  { timeout: 180_000 },
  async ({ db, databaseUrl, log }) => {
    const t0 = performance.now();
    const lap = (what: string): void =>
      void process.stderr.write(
        `${what} ${Math.round(performance.now() - t0)} cpu ${process.cpuUsage().user / 1e6} ${process.cpuUsage().system / 1e6}\n`,
      );
    const scene = await Scene.start({ db, databaseUrl, log, seed });
    lap('started');
    const proxy = new UnkindProxy({ targets: scene.ports, seed, meanMs: 2_000 });
    const followers: Follower[] = [];
    try {
      const [a = '', b = '', c = ''] = scene.campaignIds;
      const wishes: TopicName[][] = [
        ['campaigns'],
        [`campaign:${a}`],
        ['campaigns', `campaign:${a}`],
        [`campaign:${a}`, `campaign:${b}`, `campaign:${c}`],
        ['campaigns', `campaign:${b}`],
      ];
      for (let n = 0; n < 20; n += 1) {
        const url = await proxy.door();
        followers.push(new Follower(`client ${n + 1}`, url, scene.token, wishes[n % wishes.length] ?? []));
      }
      await scene.addWriter(180);
      await scene.addWriter(180);
      await strikeUntil(10_000, scene, seededRandom(seed));
      lap('struck');
      await scene.settle();
      lap('settled');
      proxy.calm();
      expect(await faultsIn(scene, followers)).toEqual([]);
      lap('judged');
    for (const f of followers) {
      const times = f.states.map((line) => Number(line.split(' ')[0]));
      f.states.forEach((line, i) => { const d = (times[i + 1] ?? 0) - (times[i] ?? 0); if (d > 3000 && !line.includes(' connected')) process.stderr.write(`${f.who} ${d} ms: ${line} -> ${f.states[i + 1]}\n`); });
    }
    } finally {
      for (const follower of followers) follower.close();
      proxy.close();
      await scene.close();
      lap('closed');
    }
  },
);
