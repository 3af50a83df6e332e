import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { keptSecret } from './kept-secret.js';
import { canReach, type Account, type PostgresPrograms } from './postgres-programs.js';
import { endProcesses, processesIn } from './process-table.js';

const run = promisify(execFile);

/** The files of one private Postgres. */
export interface Cluster {
  dir: string;
  /** How Postgres itself is told of `dir`, with `dir` as its working directory. */
  dirArgument: string;
  portFile: string;
  /** Of the superuser `postgres` and of the role `dialstream`. */
  password: string;
}

/** Nothing of Postgres is steered by the environment we were started in. */
export const postgresEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };

/** Finds or makes the cluster in `<dataDir>/postgres`. `sync` false leaves the new files to the kernel. */
export async function openCluster(
  dataDir: string,
  account: Account | undefined,
  programs: PostgresPrograms,
  sync: boolean,
): Promise<Cluster> {
  const home = path.join(dataDir, 'postgres');
  const dir = path.join(home, 'cluster');
  await fs.mkdir(home, { recursive: true, mode: 0o700 });
  const made = await clusterVersion(dir);
  const passwordKept = await fs.stat(path.join(home, 'password')).catch(() => undefined);
  if (made && !passwordKept) throw new Error(`${home} holds a database, but its file "password" is missing`);
  const password = await keptSecret(home, 'password', '');
  if (!made) await makeCluster(home, dir, account, programs, sync);
  await own(home, account);
  // Postgres cannot name a directory below one it may not enter, but it can work in it: we step in first.
  const dirArgument = (await canReach(account, dir)) ? dir : '/proc/self/cwd';
  return { dir, dirArgument, portFile: path.join(home, 'port'), password };
}

async function clusterVersion(dir: string): Promise<string | undefined> {
  try {
    return (await fs.readFile(path.join(dir, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function makeCluster(
  home: string,
  dir: string,
  account: Account | undefined,
  { initdb }: PostgresPrograms,
  sync: boolean,
): Promise<void> {
  // Made aside and renamed, so that an initdb that was killed halfway leaves nothing that looks finished.
  const draft = path.join(home, 'cluster.new');
  await fs.rm(draft, { recursive: true, force: true });
  await fs.mkdir(draft, { mode: 0o700 });
  await own(home, account);
  const args = ['--username=postgres', '--pwfile=../password', '--auth=scram-sha-256', '--encoding=UTF8'];
  try {
    await run(
      initdb,
      ['--pgdata=/proc/self/cwd', ...args, '--locale=C.UTF-8', ...(sync ? [] : ['--no-sync'])],
      { cwd: draft, env: postgresEnvironment, timeout: 60_000, ...account },
    );
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`initdb failed in ${draft}:\n${stderr}`, { cause: error });
  }
  await fs.rename(draft, dir);
}

/** A data directory that was copied or restored by root belongs to root; Postgres insists on its own. */
async function own(home: string, account: Account | undefined): Promise<void> {
  if (!account) return;
  const everything = ['.', ...(await fs.readdir(home))];
  const owners = await Promise.all(everything.map((name) => fs.stat(path.join(home, name))));
  if (owners.every(({ uid, gid }) => uid === account.uid && gid === account.gid)) return;
  await run('chown', ['-R', `${account.uid}:${account.gid}`, home], { timeout: 60_000 });
}

/** Every Postgres process that works on the cluster: the postmaster and its backends. */
export const clusterProcesses = (dir: string): number[] => processesIn(dir, 'postgres');

/**
 * Ends what an earlier start has left: a postmaster whose parent was killed, or backends whose postmaster
 * was killed and which hold the shared memory. Then removes the pid file, whose pid may by now be another
 * process's, which would make Postgres refuse to start. Gives the number of processes ended.
 */
export async function endLeftovers(dir: string): Promise<number> {
  const pidFile = path.join(dir, 'postmaster.pid');
  const text = await fs.readFile(pidFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const count = clusterProcesses(dir).length;
  await endPostmaster(dir, Number(text.split('\n')[0]));
  await fs.rm(pidFile, { force: true });
  return count;
}

/** Fast shutdown, then immediate, then SIGKILL to whatever works on the cluster. */
export async function endPostmaster(dir: string, postmaster: number): Promise<void> {
  await endProcesses(
    () => clusterProcesses(dir),
    [
      // SIGINT means something else to a backend, and to the checkpointer.
      { signal: 'SIGINT', waitMs: 15_000, only: (pid) => pid === postmaster },
      { signal: 'SIGQUIT', waitMs: 4_000 },
      { signal: 'SIGKILL', waitMs: 4_000 },
    ],
  );
}
