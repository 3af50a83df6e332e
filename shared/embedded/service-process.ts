import { spawn, type SpawnOptionsWithStdioTuple, type StdioNull, type StdioPipe } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import type { Readable } from 'node:stream';
import { signal } from './process-table.js';

/** How a process ended: by its own code or by a signal. */
export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A private Postgres or Redis that runs as a child of this process. */
export interface EmbeddedService {
  /** Where and with which password to connect. Secret: not for the log. */
  url: string;
  port: number;
  pid: number;
  /** Ends it cleanly, then ever more firmly, within about 25 s. May be called more than once. */
  stop(): Promise<void>;
  /** Resolves when the process has ended, whoever ended it. Never rejects. */
  exited: Promise<ExitStatus>;
}

export interface ServiceProcess {
  pid: number;
  exited: Promise<ExitStatus>;
  /** The last lines it wrote, for an error message. */
  lastLines(): string;
}

export interface ServiceSpawn {
  command: string;
  args: readonly string[];
  cwd: string;
  /** The whole environment; left out: this process's own. */
  env?: NodeJS.ProcessEnv;
  /** The system user to run as; left out: this process's own. */
  account?: { uid: number; gid: number } | undefined;
  /** Sent when this process has to leave without stopping it: a way to end that needs nobody to watch. */
  partingSignal: NodeJS.Signals;
  /** Called with every line of its output. */
  onLine: (line: string) => void;
}

/**
 * Starts a service in a session of its own, so that Ctrl-C in a terminal reaches the supervisor only: a
 * database that stops at once would take the calls under way with it. Throws when it cannot be started.
 */
export async function spawnService(options: ServiceSpawn): Promise<ServiceProcess> {
  const { command, args, cwd, env, account, partingSignal, onLine } = options;
  const spawning: SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioPipe> = {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(env ? { env } : {}),
    ...account,
  };
  const child = spawn(command, args, spawning);
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signalName) => resolve({ code, signal: signalName }));
  });
  const tail: string[] = [];
  const keep = (line: string): void => {
    tail.push(line);
    if (tail.length > 15) tail.shift();
    onLine(line);
  };
  follow(child.stdout, keep);
  follow(child.stderr, keep);
  // 'error' instead of 'spawn' makes this throw; afterwards it can only be about a signal, which we send by pid.
  await once(child, 'spawn');
  child.on('error', (error) => keep(String(error)));
  const pid = child.pid ?? 0;
  const part = (): void => {
    signal(pid, partingSignal);
  };
  process.once('exit', part);
  void exited.then(() => process.off('exit', part));
  return { pid, exited, lastLines: () => tail.map((line) => `  ${line}`).join('\n') };
}

function follow(stream: Readable, onLine: (line: string) => void): void {
  readline.createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine);
}

/** `code 1` or `signal SIGKILL`. */
export function describeExit({ code, signal: name }: ExitStatus): string {
  return name ? `signal ${name}` : `code ${code}`;
}
