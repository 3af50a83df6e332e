import type { Server as HttpServer } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';
import { Registry } from 'prom-client';
import type { RateLimit } from '../rate-limit.js';
import { admit } from './admission.js';
import type { Admission } from './connection.js';
import { listenToDoorbell } from './doorbell.js';
import { createFeeds } from './feeds.js';
import { createGatewayMetrics } from './gateway-metrics.js';
import { watchRights } from './rights.js';
import { Session } from './session.js';
import { createSnapshots } from './snapshots.js';
import { createSocketIo } from './socket-io.js';
import type { AuthenticateStream, FindPrincipal } from './stream-rights.js';
import { createTopicAccess } from './topic-access.js';
import { createTopicLog } from './topic-log.js';
import { Usage, type UsageLimits } from './usage.js';
import { createWebSocket } from './web-socket.js';

export interface GatewayOptions {
  /** Gets the paths /socket.io and, for WebSocket, /v1/stream; it stays the caller's to listen and to close. */
  httpServer: HttpServer;
  /** Takes commands; the gateway listens for new events on a duplicate of its own. */
  redis: Redis;
  pool: Pool;
  /** Leads all Redis keys. */
  prefix: string;
  log: Log;
  authenticate: AuthenticateStream;
  findPrincipal: FindPrincipal;
  /** Where it is counted what the gateway does. */
  registry?: Registry;
  /** Milliseconds between two heartbeats. */
  heartbeatMs?: number;
  /** Milliseconds between two messages of counts in `latest` mode. */
  latestEveryMs?: number;
  /** Events that a cursor may be behind and still be continued rather than answered with a snapshot. */
  replayLimit?: number;
  /** Bytes that may wait for one connection, beside snapshots, before its subscriptions end. */
  backlogLimit?: number;
  /** Topics that one connection may have. */
  subscriptionLimit?: number;
  /** Messages that one connection may send. */
  messageLimit?: RateLimit;
  /** What the connections of one key may have together. */
  usageLimits?: UsageLimits;
  /**
   * Milliseconds between two looks at whether the keys of open connections still hold. A revoked key loses
   * its connections after this and what `findPrincipal` remembers, together 5 s at most.
   */
  rightsCheckMs?: number;
}

export interface Gateway {
  /** Connections open now. */
  connections(): number;
  /** Compares all topics with Redis and tells every client its heads, as the heartbeat does by itself. */
  beat(): Promise<void>;
  /** Closes connections whose key was revoked, as happens by itself. */
  checkRights(): Promise<void>;
  /** Disconnects all clients. The HTTP server stays open. */
  close(): Promise<void>;
}

/** A client that subscribes to as many topics as it may does so at once after each reconnect. */
const usualMessageLimit: RateLimit = { burst: 2_000, perSecond: 50 };
/** A wallboard in every shop with one key, all coming back at once: generous, but not without end. */
const usualUsageLimits: UsageLimits = {
  connections: 20_000,
  subscriptions: 100_000,
  messages: { burst: 100_000, perSecond: 5_000 },
};
/** Sessions that are told their heads before others have their turn. */
const toldAtOnce = 100;

/** Streams the events of topics to clients: see "Live" in ARCHITECTURE. Any number of processes may run one. */
export function createGateway(options: GatewayOptions): Gateway {
  const { httpServer, redis, pool, prefix, log, authenticate } = options;
  const sessions = new Set<Session>();
  const usage = new Usage(options.usageLimits ?? usualUsageLimits);
  const metrics = createGatewayMetrics(options.registry ?? new Registry(), {
    connections: () => sessions.size,
    subscriptions: () => usage.subscriptions,
  });
  const rights = watchRights(options.findPrincipal, log);
  const topicLog = createTopicLog(redis, prefix, log);
  const feeds = createFeeds(
    {
      topicLog,
      latestEveryMs: options.latestEveryMs ?? 500,
      fanOut: (room, events) => {
        for (const transport of transports) metrics.delivered(events.length, transport.fanOut(room, events));
      },
    },
    log,
  );
  const parts = {
    feeds,
    topicLog,
    usage,
    metrics,
    findTopic: createTopicAccess(pool),
    takeSnapshot: createSnapshots(pool),
    log,
    replayLimit: options.replayLimit ?? 5_000,
    backlogLimit: options.backlogLimit ?? 2 * 1024 * 1024,
    subscriptionLimit: options.subscriptionLimit ?? 1_000,
    messageLimit: options.messageLimit ?? usualMessageLimit,
  };
  let isClosed = false;
  const admission: Admission = {
    async admit(token) {
      const admitted = await admit(token, { authenticate, usage, log });
      if ('refused' in admitted) metrics.refused(admitted.refused);
      return isClosed ? { refused: 'unavailable' } : admitted;
    },
    open(connection, given) {
      if (!usage.connect(given.principal.keyId)) return null;
      const session = new Session(connection, given, parts);
      sessions.add(session);
      rights.add(session);
      return session;
    },
    closed(session) {
      session.close();
      sessions.delete(session);
      rights.remove(session);
      usage.disconnect(session.keyId);
    },
  };
  const transports = [createSocketIo, createWebSocket].map((create) =>
    create({ httpServer, admission, log }),
  );
  const doorbell = listenToDoorbell({
    redis,
    prefix,
    log,
    onRing: (stored) => feeds.ring(stored),
    onListening: () => void compare(),
  });

  async function compare(): Promise<void> {
    try {
      await feeds.compareAll();
    } catch (error) {
      log.debug({ err: error }, 'topics could not be compared with Redis');
    }
  }

  async function beat(): Promise<void> {
    await Promise.all([doorbell.check(), compare()]);
    let told = 0;
    for (const session of sessions) {
      session.heartbeat();
      told += 1;
      if (told % toldAtOnce === 0) await nextTurn();
    }
  }

  // What was missed while Redis was away is read as soon as both connections are back.
  const onReady = (): void => void compare();
  redis.on('ready', onReady);
  const beating = repeat(options.heartbeatMs ?? 10_000, beat);
  const checking = repeat(options.rightsCheckMs ?? 2_500, () => rights.check());

  return {
    connections: () => sessions.size,
    beat,
    checkRights: () => rights.check(),
    async close() {
      isClosed = true;
      redis.off('ready', onReady);
      await Promise.all([beating.stop(), checking.stop()]);
      for (const transport of transports) transport.close();
      doorbell.close();
    },
  };
}

/** Runs `work` every so often, never twice at once. `stop` waits for the one under way. */
function repeat(everyMs: number, work: () => Promise<void>): { stop(): Promise<void> } {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= work().finally(() => {
      running = null;
    });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
