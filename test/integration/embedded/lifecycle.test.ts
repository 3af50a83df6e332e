import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment } from '@dialstream/shared/config.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { expect } from '../../support/fixtures.js';
import { test } from './fixtures.js';
import { idleScript, notes, notesFile, startedPid } from './idle-parts.js';

/** A running process that takes `drainMs` to close. */
async function draining(dataDir: string, drainMs: number): Promise<ChildProcess> {
  const env = { IDLE_NAME: 'a', IDLE_NOTES: notesFile(dataDir), IDLE_DRAIN_MS: String(drainMs) };
  const child = spawn(process.execPath, [idleScript], { env: childEnvironment(env), stdio: 'inherit' });
  await startedPid(dataDir, 'a');
  return child;
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = await within(10_000, 'exit', once(child, 'exit'));
  return code;
}

test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s closes and ends with 0', async (name, { dataDir }) => {
  const child = await draining(dataDir, 0);
  child.kill(name);
  expect(await exitCode(child)).toBe(0);
  expect((await notes(dataDir)).at(-1)?.what).toBe('stopped');
});

test('the Ctrl-C that npm passes on a second time does not cut the drain short', async ({ dataDir }) => {
  const child = await draining(dataDir, 500);
  child.kill('SIGINT');
  await sleep(100);
  child.kill('SIGINT');
  expect(await exitCode(child)).toBe(0);
  expect((await notes(dataDir)).at(-1)?.what).toBe('stopped');
});

test('a second signal later ends the process at once', async ({ dataDir }) => {
  const child = await draining(dataDir, 60_000);
  child.kill('SIGTERM');
  await sleep(1_100);
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(130);
});
