import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One line of JSON per figure: what was measured, where it can be read by a program. */
export function print(bench: string, figures: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ bench, ...figures })}\n`);
}

/** The value below which `share` (0–1) of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export interface ProcessUse {
  cpuSeconds: number;
  /** Resident memory, MB. */
  memoryMb: number;
}

/** What a process has used so far (proc(5)); with `children` those it has started and that live. */
export function processUse(pid: number, { children = false } = {}): ProcessUse {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything; the fields after it are numbers from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks =
    Number(fields[11]) + Number(fields[12]) + (children ? Number(fields[13]) + Number(fields[14]) : 0);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const memoryKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  const own = { cpuSeconds: ticks / ticksPerSecond, memoryMb: memoryKb / 1024 };
  if (!children) return own;
  return childrenOf(pid)
    .map((child) => processUse(child))
    .reduce(
      (sum, one) => ({
        cpuSeconds: sum.cpuSeconds + one.cpuSeconds,
        memoryMb: sum.memoryMb + one.memoryMb,
      }),
      own,
    );
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}
