import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part } from '@dialstream/shared/embedded/kept-running.js';
import { startNodeProcess } from '@dialstream/shared/embedded/node-process.js';
import { isAlive } from '@dialstream/shared/embedded/process-table.js';
import { until } from '@dialstream/shared/embedded/waiting.js';

/** The built script of an idle process. */
export const idleScript = fileURLToPath(
  import.meta.resolve('@dialstream/test/integration/embedded/idle-process.js'),
);

export interface Note {
  name: string;
  what: 'started' | 'stopped' | 'ignored';
  pid: number;
}

/** A part that is an idle process of ours; a deaf one ignores SIGTERM. */
export function idlePart(dataDir: string, name: string, { deaf = false } = {}): Part {
  const env = { IDLE_NAME: name, IDLE_NOTES: notesFile(dataDir), IDLE_DEAF: deaf ? '1' : undefined };
  const pidFile = path.join(dataDir, 'run', `${name}.pid`);
  return {
    name,
    start: () => startNodeProcess({ script: idleScript, env, stopMs: deaf ? 200 : 5_000, pidFile }),
  };
}

/** What the idle processes of a data directory have noted, oldest first. */
export async function notes(dataDir: string): Promise<Note[]> {
  const text = await fs.readFile(notesFile(dataDir), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '))
    .map(([name = '', what, pid]) => ({ name, what: what as Note['what'], pid: Number(pid) }));
}

/** The process that noted the `count`-th start of a part, as soon as it has. */
export async function startedPid(dataDir: string, name: string, count = 1): Promise<number> {
  const nth = async (): Promise<number | undefined> => {
    const starts = (await notes(dataDir)).filter((note) => note.name === name && note.what === 'started');
    return starts[count - 1]?.pid;
  };
  return until(nth, { withinMs: 10_000, what: `start ${count} of ${name}` });
}

/** Waits until a process has ended. */
export async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), { withinMs: 10_000, what: `end of process ${pid}` });
}

/** Where they note it. */
export function notesFile(dataDir: string): string {
  return path.join(dataDir, 'notes');
}
