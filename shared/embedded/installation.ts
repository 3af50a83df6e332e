import type { Config } from '../config.js';
import { migrate } from '../db/migrate.js';
import type { Log } from '../log.js';
import { loadDemo } from './demo.js';
import { placeDemoTrunk, type DemoTrunk } from './demo-trunk.js';
import { keptSecret } from './kept-secret.js';
import type { Part } from './kept-running.js';
import { startNodeProcess } from './node-process.js';
import { freePort } from './ports.js';
import { startPostgres } from './postgres.js';
import { programs } from './programs.js';
import { startRedis } from './redis.js';
import type { EmbeddedService } from './service-process.js';
import { until } from './waiting.js';

/** Milliseconds that all processes together may take until the server calls itself ready. */
const readyMs = 60_000;
/** Milliseconds from SIGTERM to SIGKILL for what has nothing to drain. */
const stopMs = 8_000;
/** What a process grants itself beyond DRAIN_SECONDS, see lifecycle.ts, and a little more. */
const drainGraceMs = 12_000;

export interface Installation {
  /** Where the server is reached from this machine. */
  baseUrl: string;
  adminKey: string;
}

export interface Installer {
  config: Config;
  /** Starts a part that is from then on kept running. */
  add: (part: Part) => Promise<void>;
  /** Where the process of a part is noted. */
  pidFile: (name: string) => string;
  log: Log;
}

/**
 * Starts the whole of Dialstream, leaving out what the environment names, and waits until it is ready.
 * Parts are added so that stopping them in reverse drains well: the dialer ends first, while the server
 * still publishes; then the SIP side, the server, Redis and Postgres.
 */
export async function startInstallation(installer: Installer): Promise<Installation> {
  const { config, log } = installer;
  const stores = await startStores(installer);
  await migrate(stores.DATABASE_URL, log);
  const adminKey = config.adminKey ?? (await keptSecret(config.dataDir, 'admin-key', 'ds_'));
  const demoTrunk = wantsDemo(config) ? await placeDemoTrunk(config) : undefined;
  const common = { ...stores, DATA_DIR: config.dataDir, ADMIN_KEY: adminKey, DEMO: demoTrunk ? '1' : '0' };
  const baseUrl = await startPrograms(installer, common, demoTrunk);
  await waitUntilReady(baseUrl);
  if (demoTrunk) {
    await loadDemo({ baseUrl, adminKey, trunkHost: demoTrunk.host, trunkPort: demoTrunk.port, log });
  }
  return { baseUrl, adminKey };
}

/** By default only where everything is our own: nobody wants a demo campaign in a real database. */
function wantsDemo({ demo, databaseUrl, redisUrl, drachtio }: Config): boolean {
  return demo ?? !(databaseUrl ?? redisUrl ?? drachtio.host);
}

async function startStores(installer: Installer): Promise<{ DATABASE_URL: string; REDIS_URL: string }> {
  const { databaseUrl, redisUrl } = installer.config;
  return {
    DATABASE_URL: databaseUrl ?? (await addService(installer, 'postgres', startPostgres)),
    REDIS_URL: redisUrl ?? (await addService(installer, 'redis', startRedis)),
  };
}

/** Gives the server's URL. */
async function startPrograms(
  installer: Installer,
  common: Record<string, string>,
  demoTrunk: DemoTrunk | undefined,
): Promise<string> {
  const { host, port: wantedPort, drachtio, drainSeconds } = installer.config;
  const add = (name: string, script: string, env: Record<string, string>, endsWithinMs = stopMs) =>
    installer.add({
      name,
      start: () => startNodeProcess({ script, env, stopMs: endsWithinMs, pidFile: installer.pidFile(name) }),
    });
  const port = wantedPort === 0 ? await freePort(host) : wantedPort;
  const sip = {
    DRACHTIO_HOST: drachtio.host ?? '127.0.0.1',
    DRACHTIO_PORT: String(drachtio.port),
    DRACHTIO_SECRET: drachtio.secret,
  };
  await add('server', programs.server, { ...common, PORT: String(port) });
  if (!drachtio.host) await add('sip-agent', programs.sipAgent, sip);
  if (demoTrunk) {
    await add('demo-sip-agent', programs.sipAgent, demoTrunk.env);
    await add('trunk-simulator', programs.trunkSimulator, demoTrunk.env);
  }
  await add('dialer', programs.dialer, { ...common, ...sip }, drainSeconds * 1000 + drainGraceMs);
  return `http://${reachable(host)}:${port}`;
}

/** Gives the URL; a restart takes the same port again. */
async function addService(
  { add, config: { dataDir }, log }: Installer,
  name: string,
  start: (options: { dataDir: string; port?: number; log: Log }) => Promise<EmbeddedService>,
): Promise<string> {
  let place: { port: number; url: string } | undefined;
  await add({
    name,
    start: async () => {
      const service = await start({ dataDir, log, ...(place && { port: place.port }) });
      place = { port: service.port, url: service.url };
      return service;
    },
  });
  if (!place) throw new Error(`${name} has no address`);
  return place.url;
}

/** Milliseconds that stopping everything may take, DRAIN_SECONDS left out: the steps' own deadlines. */
export const stopEverythingMs = 90_000;

async function waitUntilReady(baseUrl: string): Promise<void> {
  let last = 'no answer';
  const isReady = async (): Promise<boolean> => {
    try {
      const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
      last = `${response.status} ${await response.text()}`;
      return response.status === 200;
    } catch (error) {
      // Not listening yet.
      const cause = error instanceof Error ? error.cause : undefined;
      last = cause instanceof Error ? cause.message : String(error);
      return false;
    }
  };
  await until(isReady, { withinMs: readyMs, what: 'ready', everyMs: 100 }).catch((error: unknown) => {
    throw new Error(`Dialstream was not ready within ${readyMs / 1000} s: ${last}`, { cause: error });
  });
}

/** An address to listen on as one to connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
