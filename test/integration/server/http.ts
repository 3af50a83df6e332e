import type { FastifyInstance } from 'fastify';
import { createApp, type AppOptions } from '@dialstream/server/app.js';
import {
  createAuthenticate,
  createAuthenticateStream,
  createFindPrincipal,
} from '@dialstream/server/auth.js';
import { problem } from '@dialstream/server/problems.js';
import { createStreamTokens } from '@dialstream/server/stream-tokens.js';
import { makeSecret } from '@dialstream/shared/config.js';
import { ensureRootAccount } from '@dialstream/shared/db/accounts.js';
import type { Role } from '@dialstream/shared/api/accounts.js';
import { addKey } from '@dialstream/shared/db/api-keys.js';
import { transaction, type Pool } from '@dialstream/shared/db/pool.js';
import type { NumberedEvent } from '@dialstream/shared/events/outbox.js';
import { createOutbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';
import { expect, test as base } from '../../support/fixtures.js';
import { addAccount } from '../../support/records.js';

export { describe, expect, vi } from '../../support/fixtures.js';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';

/** What the tests read of an answer; whether it is there is what they find out. */
export interface Body {
  id: string;
  items: Item[];
  nextCursor: string | null;
  key: string;
  account: { id: string };
  status: string;
  counts: Record<string, number>;
  schedule: { startAt: string | null };
  errors: { path: string; message: string }[];
  missing: string[];
  attemptList: unknown[];
  version: number;
  statusReason: { at: string };
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  ids: string[];
  accepted: number;
  invalid: number;
  duplicates: number;
  token: string;
  expiresAt: string;
}

/** One thing of a list. */
export interface Item {
  id: string;
  name: string;
  role: string;
  phone: string;
  status: string;
}

export interface Answer {
  status: number;
  /** Parsed JSON; tests say what they expect of it. */
  body: Body;
  headers: Record<string, unknown>;
}

export interface Request {
  headers?: Record<string, string>;
  /** Sent as it is, instead of a JSON body. */
  raw?: string;
}

/** Asks the app with one key. */
export type Client = (method: Method, path: string, body?: unknown, more?: Request) => Promise<Answer>;

/** The real app on real Postgres and Redis, asked without a network. */
export class Http {
  readonly rootKey = makeSecret('ds_root_');

  constructor(
    readonly app: FastifyInstance,
    readonly db: Pool,
  ) {}

  as(key: string | null): Client {
    return async (method, path, body, { headers = {}, raw } = {}) => {
      const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const response = await this.app.inject({
        method,
        url: path,
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(text !== undefined && { payload: text }),
      });
      const isJson = response.body !== '' && /json/.test(String(response.headers['content-type']));
      return {
        status: response.statusCode,
        // What is no JSON stands there as it came.
        body: (isJson ? response.json() : response.body) as Body,
        headers: response.headers,
      };
    };
  }

  async key(accountId: string, role: Role): Promise<string> {
    const secret = makeSecret('ds_');
    await transaction(this.db, (tx) => addKey(tx, { accountId, name: role, role, secret }));
    return secret;
  }

  /** A new account and clients for each role in it. */
  async account() {
    const accountId = await addAccount(this.db);
    const client = async (role: Role): Promise<Client> => this.as(await this.key(accountId, role));
    return {
      accountId,
      admin: await client('admin'),
      operator: await client('operator'),
      viewer: await client('viewer'),
    };
  }

  /** A client with the root key. */
  async root(): Promise<Client> {
    await ensureRootAccount(this.db, this.rootKey);
    return this.as(this.rootKey);
  }
}

interface Opening {
  db: Pool;
  redisUrl: string;
  redisPrefix: string;
  log: Log;
  /** Sees the events after their commit, instead of Redis. */
  events?: NumberedEvent[];
  options?: Partial<AppOptions>;
}

export async function openHttp({ db, redisUrl, redisPrefix: prefix, log, events, options }: Opening) {
  const redis = createRedis(redisUrl, 'test', log);
  await redisReady(redis);
  const publisher = createPublisher({ pool: db, redis, prefix, log });
  const seen: typeof publisher = {
    ...publisher,
    publish: (committed) => {
      events?.push(...committed);
      publisher.publish(committed);
    },
  };
  const outbox = createOutbox({ pool: db, publisher: seen });
  const authenticate = createAuthenticate(db);
  const streamTokens = createStreamTokens(db);
  const authenticateStream = createAuthenticateStream(authenticate, createFindPrincipal(db), streamTokens);
  const parts = { pool: db, redis, outbox, log, authenticate, authenticateStream, streamTokens };
  const app = await createApp({ ...parts, ...options });
  const close = async (): Promise<void> => {
    await app.close();
    await publisher.close();
    redis.disconnect();
  };
  return { http: new Http(app, db), outbox, redis, close };
}

/** `http` is the app; `events` are those that were committed, in order. */
export const test = base
  .extend('events', (): NumberedEvent[] => [])
  .extend('opened', async ({ db, redisUrl, redisPrefix, log, events }, { onCleanup }) => {
    const opened = await openHttp({ db, redisUrl, redisPrefix, log, events });
    onCleanup(opened.close);
    return opened;
  })
  .extend('http', ({ opened }) => opened.http)
  .extend('outbox', ({ opened }) => opened.outbox);

/** The types of events and what they say. */
export function told(events: readonly NumberedEvent[]): { type: string; data: Record<string, unknown> }[] {
  return events.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> });
}

export const missingId = '00000000-0000-7000-8000-000000000000';

/** Fails unless the answer is the problem `code`, with all that a problem has. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { status, code } });
  expect(problem.strict().safeParse(answer.body).error).toBeUndefined();
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
}
