import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOutbox, type Outbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher, type Publisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Log } from '@dialstream/shared/log.js';
import { createGateway, type Gateway, type GatewayOptions } from '@dialstream/server/gateway/gateway.js';
import type { StreamRights } from '@dialstream/server/gateway/stream-rights.js';
import type { Principal } from '@dialstream/server/principal.js';
import { test as base } from '../../support/fixtures.js';
import { addAccount } from '../../support/records.js';
import { rawClient, type RawClient, type TransportName } from './raw-client.js';

export { describe, expect, vi } from '../../support/fixtures.js';

type Closer = () => unknown;

/** Everything that events pass on their way, for one test. */
export class Live {
  readonly #closers: Closer[] = [];
  /** Who a token stands for; tests take tokens away. */
  readonly principals = new Map<string, Principal>();
  /** What a token grants less than its principal may, as a stream token does. */
  readonly grants = new Map<string, Partial<StreamRights>>();

  constructor(
    readonly db: Pool,
    readonly redisUrl: string,
    readonly prefix: string,
    readonly log: Log,
    private readonly transport: TransportName,
  ) {}

  defer(close: Closer): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }

  /** An account and a token of it. */
  async account(role: Principal['role'] = 'admin'): Promise<{ accountId: string; token: string }> {
    const accountId = await addAccount(this.db);
    return { accountId, token: this.token(accountId, role) };
  }

  token(accountId: string, role: Principal['role'] = 'admin'): string {
    const token = `key-${this.principals.size + 1}`;
    this.principals.set(token, { accountId, keyId: token, name: token, role, isRoot: false });
    return token;
  }

  rights(token: string): StreamRights | null {
    const principal = this.principals.get(token);
    return principal ? { principal, topics: null, expiresAt: null, ...this.grants.get(token) } : null;
  }

  async redis(url = this.redisUrl): Promise<Redis> {
    const redis = createRedis(url, 'test', this.log);
    this.defer(() => redis.disconnect());
    await redisReady(redis);
    return redis;
  }

  async publishing(redis?: Redis): Promise<{ outbox: Outbox; publisher: Publisher }> {
    const publisher = createPublisher({
      pool: this.db,
      redis: redis ?? (await this.redis()),
      prefix: this.prefix,
      log: this.log,
    });
    this.defer(() => publisher.close());
    return { publisher, outbox: createOutbox({ pool: this.db, publisher }) };
  }

  /** A gateway, on an HTTP server of its own unless one is given. By itself nothing beats: tests call `beat`. */
  async gateway(options: Partial<GatewayOptions> = {}): Promise<{ url: string; gateway: Gateway }> {
    const httpServer = options.httpServer ?? (await this.#httpServer());
    const gateway = createGateway({
      httpServer,
      redis: await this.redis(),
      pool: this.db,
      prefix: this.prefix,
      log: this.log,
      authenticate: async (token) => this.rights(token),
      findPrincipal: async (keyId) => this.principals.get(keyId) ?? null,
      heartbeatMs: 3_600_000,
      rightsCheckMs: 3_600_000,
      ...options,
    });
    this.defer(() => gateway.close());
    const { port } = httpServer.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, gateway };
  }

  async #httpServer(): Promise<Server> {
    const httpServer = createServer().listen(0, '127.0.0.1');
    await once(httpServer, 'listening');
    this.defer(async () => {
      httpServer.closeAllConnections();
      httpServer.close();
      await once(httpServer, 'close');
    });
    return httpServer;
  }

  /** A client that is connected. */
  async client(url: string, token: string): Promise<RawClient> {
    const client = rawClient(this.transport, url, token);
    this.defer(() => client.close());
    await client.connected();
    return client;
  }
}

/** `transport`: how the clients of `live` come; the same tests run for each. */
export const test = base
  .extend('transport', 'Socket.IO' as TransportName)
  .extend('live', async ({ db, redisUrl, redisPrefix, log, transport }, { onCleanup }) => {
    const live = new Live(db, redisUrl, redisPrefix, log, transport);
    onCleanup(() => live.close());
    return live;
  });
