import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '@dialstream/shared/config.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { expect, test } from '../../support/fixtures.js';

const main = fileURLToPath(import.meta.resolve('@dialstream/server/main.js'));

/** The server as a process of its own. */
function startServer(env: Record<string, string | undefined>) {
  const child = spawn(process.execPath, [main], { env: childEnvironment(env) });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  return { child, said, code: async () => (await closed)[0] };
}

test('it serves with the key that it made, and ends cleanly', async ({
  databaseUrl,
  redisUrl,
  redisPrefix,
}) => {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-server-'));
  const port = await freePort('127.0.0.1');
  const server = startServer({
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: redisPrefix,
    DATA_DIR: dataDir,
    PORT: String(port),
    ADMIN_KEY: undefined,
  });
  try {
    const url = `http://127.0.0.1:${port}`;
    const serves = () =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(serves, { withinMs: 20_000, what: 'the server' });
    const key = (await fs.readFile(path.join(dataDir, 'admin-key'), 'utf8')).trim();
    const answer = await fetch(`${url}/v1/accounts`, { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ items: [{ name: 'Main' }], nextCursor: null });
    server.child.kill('SIGTERM');
    expect(await server.code()).toBe(0);
    expect(server.said.err).toBe('');
  } finally {
    server.child.kill('SIGKILL');
    await fs.rm(dataDir, { recursive: true });
  }
});

test('a port in use is one line that names it', async ({ databaseUrl, redisUrl, redisPrefix }) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const server = startServer({
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: redisPrefix,
    PORT: String(port),
    ADMIN_KEY: 'test-admin-key-0123456789',
  });
  expect(await server.code()).toBe(1);
  expect(server.said.err).toBe(`PORT: 127.0.0.1:${port} is in use\n`);
  taken.close();
});

test('a wrong environment is told fault by fault, before anything starts', async () => {
  const wrong = startServer({ PORT: 'x', DATABASE_URL: 'mysql://x', REDIS_URL: 'x', LOG_LEVEL: 'loud' });
  expect(await wrong.code()).toBe(1);
  for (const name of ['PORT', 'DATABASE_URL', 'REDIS_URL', 'LOG_LEVEL'])
    expect(wrong.said.err).toContain(`${name}:`);
  expect(wrong.said.err).not.toContain('    at ');
  expect(wrong.said.out).toBe('');

  const missing = startServer({ DATABASE_URL: undefined, REDIS_URL: undefined });
  expect(await missing.code()).toBe(1);
  expect(missing.said.err).toMatch(/^DATABASE_URL and REDIS_URL must be set/);
});
