import fs from 'node:fs/promises';
import { Client } from 'pg';
import type { Log } from '../log.js';
import {
  endLeftovers,
  endPostmaster,
  openCluster,
  postgresEnvironment,
  type Cluster,
} from './postgres-cluster.js';
import {
  postgresAccount,
  postgresPrograms,
  type Account,
  type PostgresPrograms,
} from './postgres-programs.js';
import { isPortFree, keptPort } from './ports.js';
import { describeExit, spawnService, type EmbeddedService, type ServiceProcess } from './service-process.js';
import { until } from './waiting.js';

export interface PostgresOptions {
  /** The files go to its folder `postgres`. */
  dataDir: string;
  /** This port or none. Left out: the one of the last start while it is free, otherwise another one. */
  port?: number;
  /** Settings that differ from {@link defaults}, as `postgres -c` takes them. */
  settings?: Record<string, string>;
  log: Log;
}

const database = 'dialstream';

/** Milliseconds that crash recovery may take before the start is given up. */
const recoveryMs = 120_000;

const defaults: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  cluster_name: database,
  max_connections: '200',
  shared_buffers: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  // Claimed calls and published events come and go within seconds: dead rows must not pile up.
  autovacuum_naptime: '10s',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_vacuum_cost_limit: '2000',
  // Compiling pays for long analytic queries only; ours are short.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '',
  log_checkpoints: 'off',
  // Details and statements hold phone numbers.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/**
 * Starts a private Postgres on loopback and waits until it takes queries. What an earlier start has left
 * running on the same files is ended first; after a crash its recovery is awaited.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedService> {
  const { dataDir, log, settings = {} } = options;
  const account = await postgresAccount();
  const programs = await postgresPrograms(account);
  const cluster = await openCluster(dataDir, account, programs, settings.fsync !== 'off');
  const ended = await endLeftovers(cluster.dir);
  if (ended > 0) log.warn({ processes: ended }, 'ended a Postgres that an earlier start had left running');

  const port = options.port ?? (await keptPort(cluster.portFile));
  if (!(await isPortFree('127.0.0.1', port, 'tcp'))) throw new Error(`Postgres: port ${port} is in use`);
  const postgres = await launch({ cluster, programs, account, port, settings, log });
  const stop = (): Promise<void> => endPostmaster(cluster.dir, postgres.pid);
  try {
    await ready(postgres, superuserUrl(cluster, port));
    await prepareDatabase(superuserUrl(cluster, port), cluster.password);
  } catch (error) {
    await stop();
    throw error;
  }
  await fs.writeFile(cluster.portFile, `${port}\n`);
  let stopping: Promise<void> | undefined;
  return {
    url: `postgres://${database}:${cluster.password}@127.0.0.1:${port}/${database}`,
    port,
    pid: postgres.pid,
    exited: postgres.exited,
    stop: () => (stopping ??= stop()),
  };
}

interface Launch {
  cluster: Cluster;
  programs: PostgresPrograms;
  account: Account | undefined;
  port: number;
  settings: Record<string, string>;
  log: Log;
}

async function launch({ cluster, programs, account, port, settings, log }: Launch): Promise<ServiceProcess> {
  const all = Object.entries({ ...defaults, ...settings, port: String(port) });
  return spawnService({
    command: programs.postgres,
    args: ['-D', cluster.dirArgument, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: cluster.dir,
    env: postgresEnvironment,
    account,
    // Immediate shutdown: the next start recovers.
    partingSignal: 'SIGQUIT',
    onLine: (line) => log[logLevel(line)]({ service: 'postgres' }, line),
  });
}

/** A refused statement is told by whoever sent it; what concerns the whole server is worth a look. */
function logLevel(line: string): 'debug' | 'info' | 'warn' {
  if (/^(?:PANIC|WARNING):/.test(line)) return 'warn';
  return /not properly shut down|redo (?:starts|done)|was interrupted/.test(line) ? 'info' : 'debug';
}

function superuserUrl({ password }: Cluster, port: number): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
}

async function ready(postgres: ServiceProcess, url: string): Promise<void> {
  let ended: string | undefined;
  void postgres.exited.then((status) => (ended = describeExit(status)));
  let last: unknown;
  const answers = async (): Promise<boolean> => {
    if (ended) throw new Error(`Postgres ended with ${ended} while starting:\n${postgres.lastLines()}`);
    try {
      await withClient(url, (client) => client.query('select 1'));
      return true;
    } catch (error) {
      last = error;
      // Not listening yet, starting up, or in recovery. Anything else will not pass by waiting.
      if (/ECONNREFUSED|ECONNRESET|57P03|timeout|terminated/.test(`${codeOf(error)} ${String(error)}`))
        return false;
      throw error;
    }
  };
  await until(answers, { withinMs: recoveryMs, what: 'Postgres is ready', everyMs: 30 }).catch((error) => {
    if (ended) throw error;
    throw new Error(`${String(error)} (${String(last)}):\n${postgres.lastLines()}`, { cause: error });
  });
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? '';
}

/** Our own role is no superuser, as in a real deployment; CREATEDB lets the tests clone their databases. */
async function prepareDatabase(url: string, password: string): Promise<void> {
  await withClient(url, async (client) => {
    const role = await client.query('select from pg_roles where rolname = $1', [database]);
    if (role.rowCount === 0) {
      const secret = client.escapeLiteral(password);
      await client.query(`create role ${database} login createdb password ${secret}`);
    }
    const found = await client.query('select from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${database} owner ${database}`);
  });
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
    application_name: 'supervisor',
  });
  // A broken connection is told by the query as well; without a listener the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    // One that never came about, or broke, has nothing left to close.
    await client.end().catch(() => undefined);
  }
}
