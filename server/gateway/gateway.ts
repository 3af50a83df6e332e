import type { Server as HttpServer } from 'node:http';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';
import type { Authenticate } from '../principal.js';
import { listenToDoorbell } from './doorbell.js';
import { createFeeds } from './feeds.js';
import { watchRights } from './rights.js';
import { Session } from './session.js';
import { createSnapshots } from './snapshots.js';
import { createSocketIo } from './socket-io.js';
import { createTopicAccess } from './topic-access.js';
import { createTopicLog } from './topic-log.js';

export interface GatewayOptions {
  /** Gets the path /socket.io; it stays the caller's to listen and to close. */
  httpServer: HttpServer;
  /** Takes commands; the gateway listens for new events on a duplicate of its own. */
  redis: Redis;
  pool: Pool;
  /** Leads all Redis keys. */
  prefix: string;
  log: Log;
  authenticate: Authenticate;
  /** Milliseconds between two heartbeats. */
  heartbeatMs?: number;
  /** Events that a cursor may be behind and still be continued rather than answered with a snapshot. */
  replayLimit?: number;
  /** Messages that may wait for one connection before its subscriptions end. */
  backlogLimit?: number;
  /** Topics that one connection may have. */
  subscriptionLimit?: number;
  /**
   * Milliseconds between two looks at whether the keys of open connections still hold. A revoked key loses
   * its connections after this and what `authenticate` remembers, together 5 s at most.
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

/** Streams the events of topics to clients: see CONTRACT, "Live". Any number of processes may run one. */
export function createGateway(options: GatewayOptions): Gateway {
  const { redis, pool, prefix, log, authenticate } = options;
  const sessions = new Set<Session>();
  const topicLog = createTopicLog(redis, prefix);
  const feeds = createFeeds(topicLog, (topic, events) => socketIo.fanOut(topic, events), log);
  const rights = watchRights(authenticate, log);
  const parts = {
    feeds,
    topicLog,
    findTopic: createTopicAccess(pool),
    takeSnapshot: createSnapshots(pool),
    log,
    replayLimit: options.replayLimit ?? 5_000,
    backlogLimit: options.backlogLimit ?? 5_000,
    subscriptionLimit: options.subscriptionLimit ?? 1_000,
  };
  const socketIo = createSocketIo({
    httpServer: options.httpServer,
    authenticate,
    log,
    onConnection(connection, token) {
      const session = new Session(connection, parts);
      sessions.add(session);
      rights.add(connection, token);
      return session;
    },
    onClosed(session) {
      sessions.delete(session);
      rights.remove(session.connection);
    },
  });
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
    for (const session of sessions) session.heartbeat();
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
      redis.off('ready', onReady);
      await Promise.all([beating.stop(), checking.stop()]);
      socketIo.close();
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
