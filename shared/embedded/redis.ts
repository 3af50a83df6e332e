import fs from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { Log } from '../log.js';
import { keptSecret } from './kept-secret.js';
import { isPortFree, keptPort } from './ports.js';
import { endProcesses, processesIn } from './process-table.js';
import { describeExit, spawnService, type EmbeddedService, type ServiceProcess } from './service-process.js';
import { within } from './waiting.js';

export interface RedisOptions {
  /** The files go to its folder `redis`. */
  dataDir: string;
  /** This port or none. Left out: the one of the last start while it is free, otherwise another one. */
  port?: number;
  log: Log;
}

/** Milliseconds that reading the append-only file may take before the start is given up. */
const loadingMs = 60_000;

/**
 * Starts a private redis-server on loopback and waits until it has read its append-only file and answers.
 * What an earlier start has left running on the same files is ended first.
 */
export async function startRedis({ dataDir, port: wanted, log }: RedisOptions): Promise<EmbeddedService> {
  const dir = path.join(dataDir, 'redis');
  await fs.mkdir(dir, { recursive: true, mode: 0o700 });
  const leftovers = processesIn(dir, 'redis-server').length;
  if (leftovers > 0) log.warn('ending a Redis that an earlier start had left running');
  await end(dir);

  const password = await keptSecret(dir, 'password', '');
  const portFile = path.join(dir, 'port');
  const port = wanted ?? (await keptPort(portFile));
  if (!(await isPortFree('127.0.0.1', port, 'tcp'))) throw new Error(`Redis: port ${port} is in use`);
  const url = `redis://:${password}@127.0.0.1:${port}/0`;
  // In a file, because a command line shows its password to every user of the machine.
  const configFile = path.join(dir, 'redis.conf');
  await fs.writeFile(configFile, configuration(dir, port, password), { mode: 0o600 });
  const redis = await launch(dir, configFile, log);
  try {
    await ready(redis, url);
  } catch (error) {
    await end(dir);
    throw error;
  }
  await fs.writeFile(portFile, `${port}\n`);
  let stopping: Promise<void> | undefined;
  return { url, port, pid: redis.pid, exited: redis.exited, stop: () => (stopping ??= end(dir)) };
}

function configuration(dir: string, port: number, password: string): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir ${quote(dir)}`,
    `pidfile ${quote(path.join(dir, 'redis.pid'))}`,
    'daemonize no',
    'logfile ""',
    'save ""',
    'appendonly yes',
    'appendfsync everysec',
    // A power cut may cut the last command short; everything before it counts.
    'aof-load-truncated yes',
    // Events are not cache entries: running full must be an error, not a silent loss.
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

async function launch(dir: string, configFile: string, log: Log): Promise<ServiceProcess> {
  try {
    return await spawnService({
      command: 'redis-server',
      args: [configFile],
      cwd: dir,
      partingSignal: 'SIGTERM',
      onLine: (line) => log[logLevel(line)]({ service: 'redis' }, line),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const remedy = 'install it ("apt-get install redis-server") or set REDIS_URL to a Redis of your own';
    throw new Error(`redis-server is not installed: ${remedy}`, { cause: error });
  }
}

/** Redis marks its lines with `#` for a warning, `*` for a notice. */
function logLevel(line: string): 'debug' | 'info' | 'warn' {
  if (/truncat|recover/i.test(line)) return 'info';
  // Every start complains of this kernel setting; it matters to forks of big data sets only.
  return / # /.test(line) && /error|fail|wrong|bad/i.test(line) && !/overcommit/.test(line)
    ? 'warn'
    : 'debug';
}

async function ready(redis: ServiceProcess, url: string): Promise<void> {
  const probe = new Redis(url, {
    connectTimeout: 2_000,
    retryStrategy: () => 40,
    maxRetriesPerRequest: null,
  });
  const refused = new Promise<never>((_, reject) => {
    // "Connection refused" passes; a wrong password does not.
    probe.on('error', (error: Error) => {
      if (/WRONGPASS|NOAUTH/.test(error.message)) reject(error);
    });
  });
  const ended = redis.exited.then((status): never => {
    throw new Error(`Redis ended with ${describeExit(status)} while starting:\n${redis.lastLines()}`);
  });
  // Whichever loses the race is of no interest any more.
  ended.catch(() => undefined);
  refused.catch(() => undefined);
  try {
    await within(loadingMs, 'Redis is ready', Promise.race([probe.ping(), refused, ended]));
  } finally {
    probe.disconnect();
  }
}

/** SIGTERM writes the append-only file out first. */
async function end(dir: string): Promise<void> {
  await endProcesses(
    () => processesIn(dir, 'redis-server'),
    [
      { signal: 'SIGTERM', waitMs: 15_000 },
      { signal: 'SIGKILL', waitMs: 4_000 },
    ],
  );
}
