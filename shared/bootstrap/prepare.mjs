// Brings a fresh machine to the point where our own code can run. Nothing but Node's built-ins here:
// nothing else is installed yet.
import { spawn } from 'node:child_process';
import { access, constants, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Debian packages of the programs we run. */
const packages = { 'redis-server': 'redis-server', sipp: 'sip-tester', chromium: 'chromium' };

const installation = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];

/** What stops a start and needs no stack trace. */
export class PrepareError extends Error {}

/**
 * Checks Node, installs npm packages and the named programs where they are missing, and builds.
 * @param {(keyof typeof packages)[]} programs
 */
export async function prepare(programs) {
  checkNode();
  if (!(await isInstalled())) await run('npm', installation);
  await installPrograms(programs);
}

/** Compiles what has changed since the last time. */
export async function build() {
  await run(bin('tsc'), ['-b']);
}

/** Runs `work`; what it cannot do ends the process with 1 and one clear line. */
export async function orExplain(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** A program of an installed npm package. */
export function bin(name) {
  return path.join(root, 'node_modules', '.bin', name);
}

/**
 * Runs a program in the repository's folder, its output going where ours goes. Gives its exit code.
 * @param {string} command
 * @param {string[]} args
 */
export function exitCode(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    // Whoever stops us stops what we wait for.
    const pass = (signal) => child.kill(signal);
    process.on('SIGTERM', pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', pass);
      resolve(signal ? 1 : code);
    });
  });
}

async function run(command, args, env = process.env) {
  const code = await exitCode(command, args, env);
  if (code !== 0) {
    throw new PrepareError(`"${path.basename(command)} ${args.join(' ')}" failed with code ${code}`);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new PrepareError(`Node 20.19 or newer is needed, this is ${process.versions.node}`);
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm notes at the end of an installation what
 * it has installed; an interrupted one has no such note. Compared by content: a checkout changes file times.
 */
async function isInstalled() {
  try {
    const [wanted, present] = await Promise.all(
      ['package-lock.json', 'node_modules/.package-lock.json'].map(async (file) => {
        return JSON.parse(await readFile(path.join(root, file), 'utf8')).packages;
      }),
    );
    return Object.entries(wanted).every(([place, { version, optional, peer, link }]) => {
      if (!place.startsWith('node_modules/') || link) return true;
      const found = present[place];
      // Optional ones are for other systems.
      return found ? found.version === version : Boolean(optional || peer);
    });
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

async function installPrograms(programs) {
  const missing = [];
  for (const program of programs) if (!(await isOnPath(program))) missing.push(program);
  if (missing.length === 0) return;
  const wanted = missing.map((program) => packages[program]);
  const isDebian = await exists('/usr/bin/apt-get');
  if (!isDebian || process.getuid?.() !== 0) {
    const remedy = isDebian ? `sudo apt-get install ${wanted.join(' ')}` : `install ${wanted.join(', ')}`;
    throw new PrepareError(`Missing: ${missing.join(', ')}. To install: ${remedy}${alternative(missing)}`);
  }
  await withoutServiceStart(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const patient = ['-qq', '-o', 'DPkg::Lock::Timeout=120'];
    await run('apt-get', [...patient, 'update'], env);
    await run('apt-get', [...patient, 'install', '-y', '--no-install-recommends', ...wanted], env);
  });
}

function alternative(missing) {
  return missing.includes('redis-server') ? ' (or set REDIS_URL)' : '';
}

async function isOnPath(program) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  for (const folder of folders) {
    const found = await access(path.join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Debian's packages start their service when installed, unless this script forbids it; ours is private. */
async function withoutServiceStart(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (await exists(policy)) return work();
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  try {
    await work();
  } finally {
    await rm(policy);
  }
}

async function exists(file) {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}
