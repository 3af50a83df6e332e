import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { processesIn } from '@dialstream/shared/embedded/process-table.js';
import { expect, test as base } from '../../support/fixtures.js';

/** A data directory of the test's own, in which nothing may be left running at its end. */
export const test = base.extend('dataDir', async ({ log: _log }, { onCleanup }) => {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-embedded-'));
  onCleanup(async () => {
    const left = [
      ...processesIn(path.join(dataDir, 'postgres/cluster'), 'postgres'),
      ...processesIn(path.join(dataDir, 'redis'), 'redis-server'),
    ];
    for (const pid of left) process.kill(pid, 'SIGKILL');
    await fs.rm(dataDir, { recursive: true, force: true });
    expect(left, 'processes left running').toEqual([]);
  });
  return dataDir;
});
