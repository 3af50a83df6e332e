import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepRunning, restartPauseMs, type Running } from '@dialstream/shared/embedded/kept-running.js';
import { isAlive } from '@dialstream/shared/embedded/process-table.js';
import { takeDataDir } from '@dialstream/shared/embedded/run-files.js';
import { createSupervisor } from '@dialstream/shared/embedded/supervisor.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { expect } from '../../support/fixtures.js';
import { test as base } from './fixtures.js';
import { gone, idlePart, notes, startedPid } from './idle-parts.js';

const test = base.extend('dir', async ({ dataDir }) => {
  await fs.mkdir(path.join(dataDir, 'run'));
  return dataDir;
});

test('the pauses before a restart double up to five seconds', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7].map(restartPauseMs);
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test('a part that is killed is started again, each time after a longer pause', async ({ dir, log }) => {
  const supervisor = createSupervisor(log);
  await supervisor.add(idlePart(dir, 'a'));
  let pid = await startedPid(dir, 'a');
  const waits: number[] = [];
  for (const count of [2, 3, 4]) {
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    pid = await startedPid(dir, 'a', count);
    waits.push(performance.now() - killedAt);
  }
  for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(restartPauseMs(index + 1));
  await supervisor.stop();
  expect(isAlive(pid)).toBe(false);
});

test('parts are stopped one after the other, the last added first', async ({ dir, log }) => {
  const supervisor = createSupervisor(log);
  for (const name of ['a', 'b', 'c']) {
    await supervisor.add(idlePart(dir, name));
    await startedPid(dir, name);
  }
  await supervisor.stop();
  const stops = (await notes(dir)).filter(({ what }) => what === 'stopped');
  expect(stops.map(({ name }) => name)).toEqual(['c', 'b', 'a']);
  await expect(supervisor.add(idlePart(dir, 'd'))).rejects.toThrow('stopping');
});

test('a part deaf to SIGTERM is killed, and the others are stopped all the same', async ({ dir, log }) => {
  const supervisor = createSupervisor(log);
  await supervisor.add(idlePart(dir, 'a'));
  await supervisor.add(idlePart(dir, 'deaf', { deaf: true }));
  const pids = [await startedPid(dir, 'a'), await startedPid(dir, 'deaf')];
  await supervisor.stop();
  expect(pids.map(isAlive)).toEqual([false, false]);
  expect((await notes(dir)).slice(2).map(({ name, what }) => `${name} ${what}`)).toEqual([
    'deaf ignored',
    'a stopped',
  ]);
});

test('stopping while a part is just starting ends that one too', async ({ dir, log }) => {
  const idle = idlePart(dir, 'slow');
  const gate = new EventEmitter();
  let pid = 0;
  const start = async (): Promise<Running> => {
    await once(gate, 'open');
    const running = await idle.start();
    pid = running.pid;
    return running;
  };
  const kept = keepRunning({ name: 'slow', start }, log);
  const stopped = kept.stop();
  gate.emit('open');
  await within(10_000, 'stop', stopped);
  expect(pid).toBeGreaterThan(0);
  expect(isAlive(pid)).toBe(false);
});

test('a part whose first start fails is not tried again', async ({ log }) => {
  let starts = 0;
  const start = async (): Promise<Running> => {
    starts += 1;
    throw new Error('no such program');
  };
  const supervisor = createSupervisor(log);
  await expect(supervisor.add({ name: 'broken', start })).rejects.toThrow('no such program');
  await supervisor.stop();
  expect(starts).toBe(1);
});

test('when the supervisor is killed its processes end, and the next start ends those that do not', async ({
  dir,
  log,
}) => {
  const script = import.meta.resolve('@dialstream/test/integration/embedded/supervisor-process.js');
  const killed = fork(fileURLToPath(script), [dir], { execArgv: [] });
  const [obedient, deaf] = [await startedPid(dir, 'obedient'), await startedPid(dir, 'deaf')];
  await expect(takeDataDir(dir, log)).rejects.toThrow(`in use by process ${killed.pid}`);

  const died = once(killed, 'exit');
  killed.kill('SIGKILL');
  await within(5_000, 'death', died);
  await gone(obedient);
  expect(isAlive(deaf)).toBe(true);

  const runFiles = await takeDataDir(dir, log);
  expect(isAlive(deaf)).toBe(false);
  await runFiles.release();
});
