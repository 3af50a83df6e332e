import fs from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../config.js';
import type { Log } from '../log.js';
import { endProcesses, startTicks } from './process-table.js';

/** The pid files of one installation: who supervises it, and what that one has started. */
export interface RunFiles {
  /** Where the process that is now the part `name` is noted, see {@link noteProcess}. */
  pidFile(name: string): string;
  /** Gives the data directory free for the next start. */
  release(): Promise<void>;
}

const ownName = 'supervisor';

/**
 * Takes the data directory. Throws a {@link ConfigError} while another supervisor that lives has it. What a
 * killed one has left running is ended: it holds the ports we need.
 */
export async function takeDataDir(dataDir: string, log: Log): Promise<RunFiles> {
  const dir = path.join(dataDir, 'run');
  await fs.mkdir(dir, { recursive: true });
  const own = path.join(dir, `${ownName}.pid`);
  await takeLock(own, dataDir);
  for (const file of await fs.readdir(dir)) {
    if (file !== path.basename(own)) await endLeftover(path.join(dir, file), log);
  }
  return {
    pidFile: (name) => path.join(dir, `${name}.pid`),
    release: () => fs.rm(dir, { recursive: true, force: true }),
  };
}

/** Notes a process of ours, so that the next start can end it should we be killed. */
export async function noteProcess(file: string, pid: number): Promise<void> {
  await fs.writeFile(file, mark(pid));
}

async function takeLock(file: string, dataDir: string): Promise<void> {
  const other = await livingPid(file);
  if (other !== undefined) throw new ConfigError(`DATA_DIR: ${dataDir} is in use by process ${other}`);
  await fs.rm(file, { force: true });
  try {
    await fs.writeFile(file, mark(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ConfigError(`DATA_DIR: ${dataDir} is being taken by another start`);
  }
}

async function endLeftover(file: string, log: Log): Promise<void> {
  const pid = await livingPid(file);
  if (pid !== undefined) {
    const name = path.basename(file, '.pid');
    log.warn({ part: name, partPid: pid }, 'ending what an earlier start had left running');
    const mine = startTicks(pid);
    // It has been draining since its supervisor died; a second SIGTERM tells it to hurry.
    await endProcesses(
      () => (startTicks(pid) === mine ? [pid] : []),
      [
        { signal: 'SIGTERM', waitMs: 2_000 },
        { signal: 'SIGKILL', waitMs: 4_000 },
      ],
    );
  }
  await fs.rm(file, { force: true });
}

/** A pid alone may have been given to another process since; with its start time it cannot. */
function mark(pid: number): string {
  return `${pid} ${startTicks(pid) ?? 0}\n`;
}

async function livingPid(file: string): Promise<number | undefined> {
  const text = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const [pid = 0, ticks = 0] = text.split(' ').map(Number);
  return ticks > 0 && startTicks(pid) === ticks ? pid : undefined;
}
