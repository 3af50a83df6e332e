import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { processUse } from '../figures.js';

/** CPU seconds so far (proc(5)). */
interface MachineUse {
  all: number;
  /** Of this process and all that it has started, while they live. */
  own: number;
  atMs: number;
}

/**
 * Begins to watch what other programs take of this machine. Gives a function that ends it, and tells which share of
 * all processors that was, in percent: above a few, the delays that were measured are not ours alone.
 */
export function watchOthers(): () => number {
  const before = machineUse();
  return () => {
    const after = machineUse();
    const others = after.all - before.all - (after.own - before.own);
    const seconds = (after.atMs - before.atMs) / 1_000;
    return Math.max(0, (others * 100) / seconds / os.availableParallelism());
  };
}

function machineUse(): MachineUse {
  const { user, nice, sys, irq } = os
    .cpus()
    .map(({ times }) => times)
    .reduce((sum, one) => ({
      user: sum.user + one.user,
      nice: sum.nice + one.nice,
      sys: sum.sys + one.sys,
      irq: sum.irq + one.irq,
      idle: 0,
    }));
  return { all: (user + nice + sys + irq) / 1_000, own: ownSeconds(), atMs: performance.now() };
}

function ownSeconds(): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const isOwn = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isOwn(parents.get(pid)));
  let seconds = 0;
  for (const pid of parents.keys()) if (isOwn(pid)) seconds += secondsOf(pid);
  return seconds;
}

/** Undefined: it has ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function secondsOf(pid: number): number {
  try {
    return processUse(pid).cpuSeconds;
  } catch {
    return 0;
  }
}
