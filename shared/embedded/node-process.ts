import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { childEnvironment } from '../config.js';
import type { Running } from './kept-running.js';
import { endProcesses, isAlive, signal } from './process-table.js';
import { noteProcess } from './run-files.js';
import type { ExitStatus } from './service-process.js';

export interface NodeProcess {
  /** The built file to run. */
  script: string;
  /** Variables that differ from our own; undefined takes one away. */
  env: Record<string, string | undefined>;
  /** Milliseconds from SIGTERM to SIGKILL. */
  stopMs: number;
  /** Where the process is noted for a later start. */
  pidFile: string;
}

/**
 * Starts one of our own programs. Its output goes where ours goes. It has a session of its own, so that
 * Ctrl-C reaches the supervisor only, and a channel to us, whose end tells it to stop should we be killed.
 */
export async function startNodeProcess({ script, env, stopMs, pidFile }: NodeProcess): Promise<Running> {
  const child = spawn(process.execPath, ['--enable-source-maps', script], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: childEnvironment(env),
  });
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signalName) => resolve({ code, signal: signalName }));
  });
  await once(child, 'spawn');
  // Only a failed send could come here, and we send nothing.
  child.on('error', () => undefined);
  const pid = child.pid ?? 0;
  const kill = (): void => {
    signal(pid, 'SIGKILL');
  };
  // Should we have to leave at once, nothing may stay behind. A database survives being killed, see start.ts.
  process.once('exit', kill);
  void exited.then(() => process.off('exit', kill));
  await noteProcess(pidFile, pid);
  return {
    pid,
    exited,
    stop: () =>
      endProcesses(
        () => (isAlive(pid) ? [pid] : []),
        [
          { signal: 'SIGTERM', waitMs: stopMs },
          { signal: 'SIGKILL', waitMs: 5_000 },
        ],
      ),
  };
}
