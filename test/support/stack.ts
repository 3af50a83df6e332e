import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { loadConfig } from '@dialstream/shared/config.js';
import { createPool, type Pool } from '@dialstream/shared/db/pool.js';
import { startInstallation } from '@dialstream/shared/embedded/installation.js';
import { keepRunning, type KeptRunning, type Part } from '@dialstream/shared/embedded/kept-running.js';
import { startNodeProcess } from '@dialstream/shared/embedded/node-process.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { programs } from '@dialstream/shared/embedded/programs.js';
import type { ExitStatus } from '@dialstream/shared/embedded/service-process.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { createLog, type Log } from '@dialstream/shared/log.js';

/** The whole of Dialstream as `npm start` runs it, on ports and files of its own, for a test to hurt. */
export interface Stack {
  baseUrl: string;
  adminKey: string;
  db: Pool;
  redisUrl: string;
  /** Calls the HTTP face; throws what is not 2xx. */
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  pid(part: string): number;
  /** Ends the process of a part. It is started again, as under `npm start`. */
  kill(part: string, signal?: NodeJS.Signals): void;
  /** Waits until a part runs in another process than `pid`. */
  restarted(part: string, pid: number): Promise<void>;
  /** How the process `pid` of a part ended. */
  exitOf(part: string, pid: number): ExitStatus | undefined;
  addDialer(name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface StackOptions {
  drainSeconds?: number;
  logLevel?: string;
}

const adminKey = 'test-admin-key-0123456789';

export async function startStack({
  drainSeconds = 5,
  logLevel = 'error',
}: StackOptions = {}): Promise<Stack> {
  const log = createLog('test-stack', process.env['TEST_LOG_LEVEL'] ?? 'fatal');
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-stack-'));
  const [sipPort, adminPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const env = {
    PORT: '0',
    DATA_DIR: dataDir,
    ADMIN_KEY: adminKey,
    DEMO: '0',
    DRACHTIO_PORT: String(adminPort),
    DRACHTIO_SECRET: 'test',
    SIP_BIND: `udp:127.0.0.1:${sipPort},tcp:127.0.0.1:${sipPort}`,
    DRAIN_SECONDS: String(drainSeconds),
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? logLevel,
  };
  const parts = new Map<string, KeptRunning>();
  const urls = new Map<string, string>();
  const exits = new Map<string, ExitStatus>();
  const pidFile = (name: string): string => path.join(dataDir, `${name}.pid`);
  const add = async (part: Part): Promise<void> => {
    const kept = keepRunning(noting(part, urls, exits), log);
    parts.set(part.name, kept);
    await kept.started;
  };
  const stopParts = async (): Promise<void> => {
    for (const part of [...parts.values()].toReversed()) await part.stop();
    await fs.rm(dataDir, { recursive: true, force: true });
  };
  // The children take what they do not get by name from our own environment.
  Object.assign(process.env, env);
  try {
    const { baseUrl } = await startInstallation({ config: loadConfig(env), add, pidFile, log });
    return assemble({ baseUrl, parts, urls, exits, env, add, pidFile, stopParts, log });
  } catch (error) {
    await stopParts();
    throw error;
  }
}

interface Assembly {
  baseUrl: string;
  parts: Map<string, KeptRunning>;
  urls: Map<string, string>;
  exits: Map<string, ExitStatus>;
  env: Record<string, string>;
  add: (part: Part) => Promise<void>;
  pidFile: (name: string) => string;
  stopParts: () => Promise<void>;
  log: Log;
}

function assemble({ baseUrl, parts, urls, exits, env, add, pidFile, stopParts, log }: Assembly): Stack {
  const databaseUrl = urls.get('postgres') ?? '';
  const redisUrl = urls.get('redis') ?? '';
  const db = createPool({ databaseUrl, log, name: 'test-stack' });
  const pid = (name: string): number => {
    const found = parts.get(name)?.pid();
    if (found === undefined) throw new Error(`${name} is not running`);
    return found;
  };
  return {
    baseUrl,
    adminKey,
    db,
    redisUrl,
    api: (method, path, body) => request(baseUrl, method, path, body),
    pid,
    kill: (name, signal = 'SIGKILL') => void process.kill(pid(name), signal),
    restarted: (name, before) =>
      until(
        () => {
          const now = parts.get(name)?.pid();
          return now !== undefined && now !== before;
        },
        { withinMs: 60_000, what: `${name} runs again` },
      ).then(() => undefined),
    exitOf: (name, before) => exits.get(`${name} ${before}`),
    addDialer: (name) =>
      add({
        name,
        start: () =>
          startNodeProcess({
            script: programs.dialer,
            env: { ...env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DRACHTIO_HOST: '127.0.0.1' },
            stopMs: 20_000,
            pidFile: pidFile(name),
          }),
      }),
    async stop() {
      await db.end();
      await stopParts();
    },
  };
}

/** Notes where a service is reached, and how its processes end. */
function noting(part: Part, urls: Map<string, string>, exits: Map<string, ExitStatus>): Part {
  return {
    name: part.name,
    async start() {
      const running = await part.start();
      if ('url' in running && typeof running.url === 'string') urls.set(part.name, running.url);
      void running.exited.then((status) => exits.set(`${part.name} ${running.pid}`, status));
      return running;
    },
  };
}

async function request<T>(baseUrl: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(baseUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${adminKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
