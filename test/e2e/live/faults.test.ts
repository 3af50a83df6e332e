import type { CampaignView } from '@dialstream/client-sdk';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { findCampaign, listCampaigns } from '@dialstream/shared/db/campaigns.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { campaignOf, storedTopic, type TopicName } from '@dialstream/shared/events/topics.js';
import { callsInPostgres, callsInStore, told } from '../../integration/gateway/told.js';
import { expect, test } from '../../support/fixtures.js';
import { pick, seededRandom } from '../../support/seeded-random.js';
import { UnkindProxy } from '../../support/unkind-proxy.js';
import { committedCounts, committedTo } from './committed.js';
import { Follower } from './followers.js';
import { endOf, faultsOf } from './oracle.js';
import { Scene } from './scene.js';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`FAULT_SEED=${seed}\n`);

const events = 10_000;

test(
  `clients miss nothing while everything breaks, FAULT_SEED=${seed}`,
  { timeout: 180_000 },
  async ({ db, databaseUrl, log }) => {
    const random = seededRandom(seed);
    const scene = await Scene.start({ db, databaseUrl, log, seed });
    const proxy = new UnkindProxy({ targets: scene.ports, seed, meanMs: 2_000 });
    const followers: Follower[] = [];
    try {
      const [a, b, c] = scene.campaignIds.map((id): TopicName => `campaign:${id}`);
      const wishes: TopicName[][] = [['campaigns'], [a], ['campaigns', a], [a, b, c], ['campaigns', b]].map(
        (topics) => topics.filter((topic) => topic !== undefined),
      ) as TopicName[][];
      for (let n = 0; n < 20; n += 1) {
        const url = await proxy.door();
        followers.push(new Follower(`client ${n + 1}`, url, scene.token, wishes[n % wishes.length] ?? []));
      }
      const writers = [await scene.addWriter(8), await scene.addWriter(8)];

      const blows = ['server 0', 'server 1', 'servers', 'redis', 'writer'] as const;
      for (let count = 800; count < events; count += 600) {
        await scene.committed(count, 60_000);
        const blow = pick(blows, random);
        if (blow === 'redis') {
          await scene.redisServer.kill();
          await scene.committed(count + 200, 60_000);
          await scene.redisServer.startAgain();
        } else if (blow === 'writer') {
          await writers[0]?.kill();
          await writers[0]?.start();
        } else {
          const hurt = scene.servers.filter((_, n) => blow === 'servers' || blow === `server ${n}`);
          await Promise.all(hurt.map((server) => server.kill()));
          await Promise.all(hurt.map((server) => server.start()));
        }
      }
      await scene.committed(events, 60_000);
      await scene.settle();
      proxy.calm();

      const topics = ['campaigns', a, b, c] as TopicName[];
      const heads = new Map<string, unknown>();
      for (const topic of topics) heads.set(topic, await scene.head(topic));
      const faults: string[] = [];
      for (const follower of followers) {
        for (const [topic, store] of follower.stores) {
          await until(
            () =>
              store.get().freshness === 'live' &&
              JSON.stringify(store.cursor) === JSON.stringify(heads.get(topic)),
            { withinMs: 30_000, what: `${follower.who} is up to date in ${topic}` },
          ).catch((error: unknown) => {
            faults.push(
              `${String(error)}: ${JSON.stringify(store.cursor)} of ${JSON.stringify(heads.get(topic))}, ${store.get().freshness}`,
            );
          });
        }
      }
      expect(faults).toEqual([]);

      const truths = new Map(
        await Promise.all(
          topics.map(
            async (topic) => [topic, await committedTo(db, storedTopic(scene.accountId, topic))] as const,
          ),
        ),
      );
      for (const record of followers.flatMap(({ records }) => records)) {
        faults.push(...faultsOf(record, truths.get(record.topic) ?? new Map()));
        expect(endOf(record)).toEqual(heads.get(record.topic));
      }
      const counts = await committedCounts(db);
      for (const follower of followers) {
        faults.push(...follower.faults);
        for (const [version, shown] of follower.shown) expect(shown, version).toEqual(counts.get(version));
      }
      expect(faults.slice(0, 10)).toEqual([]);

      const campaigns = (await listCampaigns(db, { accountId: scene.accountId, limit: 500 })).map(told);
      for (const { stores, who } of followers) {
        for (const [topic, store] of stores) {
          const view = store.get();
          if ('campaigns' in view) {
            expect(
              view.campaigns.map((one) => told(one as Campaign)),
              who,
            ).toEqual(campaigns);
          } else {
            const id = campaignOf(topic) ?? '';
            expect(told(view.campaign as Campaign), who).toEqual(
              told((await findCampaign(db, scene.accountId, id)) as Campaign),
            );
            expect(callsInStore(view as CampaignView), who).toEqual(await callsInPostgres(db, id));
          }
        }
      }
      const gaps = followers
        .flatMap(({ records }) => records)
        .flatMap(({ entries }) => entries)
        .filter((e) => e.kind === 'gap');
      process.stderr.write(
        `${JSON.stringify(proxy.suffered)} ${proxy.connections} gaps ${JSON.stringify(gaps.slice(0, 5))} ${gaps.length}\n`,
      );
    } finally {
      for (const follower of followers) follower.close();
      proxy.close();
      await scene.close();
    }
  },
);
