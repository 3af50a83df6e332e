import fs from 'node:fs';
import { DeadlineError, until } from './waiting.js';

/**
 * The ids of the processes called `name` that work in `dir`. Postgres and Redis both work in their data
 * directory, which tells ours from any other better than a pid file that may be stale. Linux only.
 */
export function processesIn(dir: string, name: string): number[] {
  if (!fs.existsSync(dir)) return [];
  const realDir = fs.realpathSync(dir);
  return fs
    .readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => workingDir(pid) === realDir && programName(pid) === name);
}

/**
 * When a process started, in kernel ticks after boot; undefined when there is none. A pid and its start
 * name one process for ever, a pid alone may be given to another one.
 */
export function startTicks(pid: number): number | undefined {
  const fields = afterName(pid);
  // A zombie has ended; only its parent has not noticed yet.
  if (!fields || fields[0] === 'Z') return undefined;
  return Number(fields[19]);
}

/** Whether a process lives and has not become a zombie. */
export function isAlive(pid: number): boolean {
  return startTicks(pid) !== undefined;
}

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** One rung of an ever firmer request to end. */
export interface EndStep {
  signal: NodeJS.Signals;
  /** Milliseconds to wait for the end before the next step. */
  waitMs: number;
  /** Whom to signal; by default all that are left. */
  only?: (pid: number) => boolean;
}

/**
 * Asks what `find` gives to end, step by step, until nothing is left. Throws a {@link DeadlineError} when
 * something outlives the last step.
 */
export async function endProcesses(find: () => number[], steps: readonly EndStep[]): Promise<void> {
  for (const { signal: name, waitMs, only = () => true } of steps) {
    const targets = find().filter(only);
    if (targets.length > 0) {
      for (const pid of targets) signal(pid, name);
      const gone = await until(() => find().length === 0, { withinMs: waitMs, what: name }).catch(stillThere);
      if (gone) return;
    }
    if (find().length === 0) return;
  }
  throw new DeadlineError(`processes ${find().join(', ')} outlived every signal`);
}

function stillThere(error: unknown): false {
  if (error instanceof DeadlineError) return false;
  throw error;
}

function workingDir(pid: number): string | undefined {
  return fromProc(() => fs.readlinkSync(`/proc/${pid}/cwd`));
}

function programName(pid: number): string | undefined {
  return fromProc(() => fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}

/** The fields of /proc/<pid>/stat from the third on (proc(5)); the second may hold blanks and brackets. */
function afterName(pid: number): string[] | undefined {
  const stat = fromProc(() => fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Undefined for a process that has gone meanwhile, or that belongs to somebody else. */
function fromProc<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return undefined;
    throw error;
  }
}
