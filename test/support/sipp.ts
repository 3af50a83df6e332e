import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { until, within } from '@dialstream/shared/embedded/waiting.js';

/** A real SIP far end. */
export interface Sipp {
  port: number;
  pid: number;
  /** INVITEs that came, retransmissions left out, by called number. */
  invites(): Promise<Map<string, number>>;
  /** Calls that are open at the far end now, and how its calls have ended so far. */
  calls(): Promise<{ open: number; succeeded: number; failed: number }>;
  stop(): Promise<void>;
}

export interface SippOptions {
  /** File in test/support/sipp, without its ending. `{name}` in it is replaced by `values`. */
  scenario: string;
  port: number;
  values?: Record<string, string | number>;
  transport?: 'udp' | 'tcp';
}

const scenarios = path.resolve('test/support/sipp');

/** Starts sipp as the answering side, on loopback. */
export async function startSipp({
  scenario,
  port,
  values = {},
  transport = 'udp',
}: SippOptions): Promise<Sipp> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-sipp-'));
  const file = (name: string): string => path.join(dir, name);
  const text = await fs.readFile(path.join(scenarios, `${scenario}.xml`), 'utf8');
  const filled = Object.entries(values).reduce(
    (xml, [name, value]) => xml.replaceAll(`{${name}}`, `${value}`),
    text,
  );
  await fs.writeFile(file('scenario.xml'), filled);
  const protocol = transport === 'udp' ? 'u1' : 't1';
  const args = [
    `-sf ${file('scenario.xml')} -i 127.0.0.1 -p ${port} -t ${protocol} -nostdin -timer_resol 1 -deadcall_wait 0`,
    `-trace_logs -log_file ${file('invites.log')}`,
    `-trace_stat -stf ${file('stat.csv')} -fd 1`,
  ].flatMap((group) => group.split(' '));
  const child = spawn('sipp', args, { cwd: dir, stdio: 'ignore' });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  await until(() => exists(file('stat.csv')), { withinMs: 10_000, what: 'sipp has started' });
  return {
    port,
    pid,
    async invites() {
      const lines = (await readIfThere(file('invites.log'))).split('\n');
      const counts = new Map<string, number>();
      for (const line of lines) {
        const number = /INVITE (\S+)/.exec(line)?.[1];
        if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
      }
      return counts;
    },
    async calls() {
      const lines = (await fs.readFile(file('stat.csv'), 'utf8')).trim().split('\n');
      const names = lines[0]?.split(';') ?? [];
      const last = lines.at(-1)?.split(';') ?? [];
      const value = (name: string): number => Number(last[names.indexOf(name)] ?? 0);
      return {
        open: value('CurrentCall'),
        succeeded: value('SuccessfulCall(C)'),
        failed: value('FailedCall(C)'),
      };
    },
    async stop() {
      child.kill('SIGKILL');
      await within(5_000, 'sipp ends', exited);
      await fs.rm(dir, { recursive: true, force: true });
    },
  };
}

async function exists(file: string): Promise<boolean> {
  return fs.stat(file).then(
    () => true,
    () => false,
  );
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
