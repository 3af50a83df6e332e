import { fileURLToPath } from 'node:url';
import { ensureRootAccount } from '@dialstream/shared/db/accounts.js';
import { createPool, type Pool } from '@dialstream/shared/db/pool.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { programs } from '@dialstream/shared/embedded/programs.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { createOutbox, type Outbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher, type Publisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import { storedTopic, topicKeys, type TopicName } from '@dialstream/shared/events/topics.js';
import type { Cursor } from '@dialstream/shared/events/contract.js';
import type { Log } from '@dialstream/shared/log.js';
import { RandomChanges } from '../../integration/gateway/random-changes.js';
import { cloneDatabase, dropDatabase } from '../../support/database.js';
import { Killable } from '../../support/killable.js';
import { OwnRedis } from '../../support/own-redis.js';
import { seededRandom } from '../../support/seeded-random.js';
import { committedCount, noteCommits } from './committed.js';
import type { WriterOrder } from './writer-process.js';

export interface SceneOptions {
  /** A Postgres; the scene gets a database of its own. */
  adminUrl: string;
  log: Log;
  seed: number;
  /** Campaigns that exist from the start and are never deleted. */
  campaigns?: number;
  gateways?: number;
  /** Redis keeps what `SAVE` has written last, rather than everything. */
  redisSnapshots?: boolean;
}

const adminKey = 'test-admin-key-0123456789';
const writerScript = fileURLToPath(new URL('../../dist/test/e2e/live/writer-process.js', import.meta.url));

/** A Redis, some servers and those who make changes, all of them to be killed. The Postgres is the tests'. */
export class Scene {
  readonly token = adminKey;
  readonly ports: number[] = [];
  readonly servers: Killable[] = [];
  readonly writers: Killable[] = [];
  campaignIds: string[] = [];

  private constructor(
    private readonly options: SceneOptions,
    private readonly databaseUrl: string,
    readonly db: Pool,
    readonly accountId: string,
    readonly redisServer: OwnRedis,
    readonly redis: Redis,
    private readonly publisher: Publisher,
    /** For what the test itself changes. */
    readonly outbox: Outbox,
  ) {}

  static async start(options: SceneOptions): Promise<Scene> {
    const { adminUrl, log, campaigns = 3, gateways = 2, redisSnapshots = false } = options;
    const databaseUrl = await cloneDatabase(adminUrl);
    const db = createPool({ databaseUrl, log, name: 'test-scene' });
    await noteCommits(db);
    const accountId = await ensureRootAccount(db, adminKey);
    const redisServer = await (redisSnapshots ? OwnRedis.startWithSnapshots(log) : OwnRedis.start(log));
    const redis = createRedis(redisServer.url, 'test', log);
    const publisher = createPublisher({ pool: db, redis, prefix: 'ds', log });
    const outbox = createOutbox({ pool: db, publisher });
    const scene = new Scene(options, databaseUrl, db, accountId, redisServer, redis, publisher, outbox);
    try {
      await redisReady(redis);
      await scene.#makeCampaigns(campaigns);
      for (let n = 1; n <= gateways; n += 1) await scene.#addServer(n);
      await Promise.all(scene.servers.map((server) => server.start()));
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  /** Where the server of this number listens, counted from 0. */
  url(no: number): string {
    return `http://127.0.0.1:${this.ports[no]}`;
  }

  /** Somebody who makes changes from now on, of so many events a second. */
  async addWriter(eventsPerSecond: number): Promise<Killable> {
    const { databaseUrl } = this;
    const { seed } = this.options;
    const no = this.writers.length + 1;
    const order: WriterOrder = {
      databaseUrl,
      redisUrl: this.redisServer.url,
      accountId: this.accountId,
      seed: seed + no,
      kept: this.campaignIds.length,
      eventsPerSecond,
    };
    const writer = new Killable({
      name: `writer ${no}`,
      script: writerScript,
      args: [JSON.stringify(order)],
    });
    this.writers.push(writer);
    await writer.start();
    return writer;
  }

  /** Waits until so many events were committed in all. */
  async committed(count: number, withinMs: number): Promise<void> {
    await until(
      async () => {
        for (const one of [...this.servers, ...this.writers]) one.check();
        return (await committedCount(this.db)) >= count;
      },
      { withinMs, what: `${count} events`, everyMs: 100 },
    );
  }

  async moreCommitted(count: number, withinMs: number): Promise<void> {
    await this.committed((await committedCount(this.db)) + count, withinMs);
  }

  /** Lets the writers end, and waits until Redis has all that they have said. */
  async settle(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop((child) => child.send('stop'))));
    // A campaign whose start has come is the servers' to start.
    const isQuiet = async (): Promise<boolean> => {
      const { rowCount } = await this.db.query(`select from event_rows
        union all select from campaigns where status = 'planned' and start_at <= now() limit 1`);
      return rowCount === 0;
    };
    await until(isQuiet, { withinMs: 20_000, what: 'every event is published' });
  }

  async head(topic: TopicName): Promise<Cursor> {
    const keys = topicKeys('ds', storedTopic(this.accountId, topic));
    const [epoch, seq] = await this.redis.hmget(keys.head, 'epoch', 'seq');
    return { epoch: epoch ?? '', seq: Number(seq) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.writers, ...this.servers].map((one) => one.kill()));
    await this.publisher.close();
    this.redis.disconnect();
    await this.redisServer.stop();
    await this.db.end();
    await dropDatabase(this.options.adminUrl, this.databaseUrl);
  }

  async #makeCampaigns(count: number): Promise<void> {
    const { db, outbox, accountId } = this;
    const changes = new RandomChanges(db, outbox, accountId, seededRandom(this.options.seed));
    await changes.begin(count, count);
    await this.publisher.idle();
    // No dialer runs here; without one the clock of the servers would pause the campaigns.
    await db.query(`update dialers set alive_until = 'infinity'`);
    this.campaignIds = [...changes.campaignIds];
  }

  async #addServer(no: number): Promise<void> {
    const port = await freePort('127.0.0.1');
    this.ports.push(port);
    const env = {
      PORT: String(port),
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redisServer.url,
      ADMIN_KEY: adminKey,
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'fatal',
    };
    const isReady = () => isHealthy(port);
    this.servers.push(new Killable({ name: `server ${no}`, script: programs.server, env, isReady }));
  }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
    return response.ok;
  } catch {
    return false;
  }
}
