import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '@dialstream/shared/config.js';
import { keptSecret } from '@dialstream/shared/embedded/kept-secret.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { expect } from '../../support/fixtures.js';
import { test } from './fixtures.js';

const script = fileURLToPath(import.meta.resolve('@dialstream/shared/embedded/start.js'));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the main of `npm start`, which is to fail at once. */
async function failedStart(env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script],
      { env: childEnvironment(env), timeout: 15_000 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('every fault of the environment is told at once, before anything starts', async ({ dataDir }) => {
  const { code, stderr, stdout } = await failedStart({
    DATA_DIR: dataDir,
    PORT: 'eighty',
    SIP_BIND: 'sctp:1',
    DATABASE_URL: 'mysql://localhost',
  });
  expect(code).toBe(1);
  for (const name of ['PORT', 'SIP_BIND', 'DATABASE_URL']) expect(stderr).toContain(`  ${name}: `);
  expect(stdout).toBe('');
  expect(await fs.readdir(dataDir)).toEqual([]);
});

test('ports in use are named with their variables, before anything starts', async ({ dataDir }) => {
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const { port } = squatter.address() as AddressInfo;
  const { code, stderr } = await failedStart({
    DATA_DIR: dataDir,
    PORT: String(port),
    SIP_BIND: `tcp:127.0.0.1:${port}`,
    DRACHTIO_PORT: String(await freePort()),
  });
  await new Promise((resolve) => squatter.close(resolve));
  expect(stderr).toBe(`PORT: 127.0.0.1:${port} is in use\nSIP_BIND: 127.0.0.1:${port} is in use\n`);
  expect(code).toBe(1);
  expect(await fs.readdir(dataDir)).toEqual([]);
});

test('a kept secret is made once, whoever asks, and is its owner’s alone', async ({ dataDir }) => {
  const asked = await Promise.all(Array.from({ length: 20 }, () => keptSecret(dataDir, 'admin-key', 'ds_')));
  expect(new Set(asked).size).toBe(1);
  expect(asked[0]).toMatch(/^ds_[\w-]{43}$/);
  expect(await fs.readdir(dataDir)).toEqual(['admin-key']);
  expect((await fs.stat(`${dataDir}/admin-key`)).mode & 0o777).toBe(0o600);
});
