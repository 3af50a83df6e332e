import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { expect } from '../../support/fixtures.js';
import { withRedis } from './clients.js';
import { test } from './fixtures.js';

test('Redis keeps its files, port and password from one start to the next', async ({ dataDir, log }) => {
  const first = await startRedis({ dataDir, log });
  await withRedis(first.url, (redis) => redis.xadd('events', '*', 'seq', '1'));
  await first.stop();
  expect(await first.exited).toEqual({ code: 0, signal: null });

  const second = await startRedis({ dataDir, log });
  expect(second.url).toBe(first.url);
  expect(await withRedis(second.url, (redis) => redis.xlen('events'))).toBe(1);
  await second.stop();
});

test('Redis evicts nothing, and its password is on no command line', async ({ dataDir, log }) => {
  const redis = await startRedis({ dataDir, log });
  const policy = await withRedis(redis.url, (client) => client.config('GET', 'maxmemory-policy'));
  expect(policy).toEqual(['maxmemory-policy', 'noeviction']);
  const commandLine = await fs.readFile(`/proc/${redis.pid}/cmdline`, 'utf8');
  expect(commandLine).toContain('redis-server');
  expect(commandLine).not.toContain(new URL(redis.url).password);
  const kept = await fs.stat(path.join(dataDir, 'redis/redis.conf'));
  expect(kept.mode & 0o077).toBe(0);
  await redis.stop();
});

test('a file whose last command was cut short is read up to there', async ({ dataDir, log }) => {
  const first = await startRedis({ dataDir, log });
  await withRedis(first.url, (redis) => redis.set('whole', 'yes'));
  await withRedis(first.url, (redis) => redis.set('cut', 'x'.repeat(1_000)));
  await first.stop();
  const folder = path.join(dataDir, 'redis/appendonlydir');
  const file = (await fs.readdir(folder)).find((name) => name.endsWith('.incr.aof'));
  const appended = path.join(folder, file ?? 'no append-only file');
  await fs.truncate(appended, (await fs.stat(appended)).size - 100);

  const second = await startRedis({ dataDir, log });
  expect(await withRedis(second.url, (redis) => redis.mget('whole', 'cut'))).toEqual(['yes', null]);
  await second.stop();
});

test('a port taken by somebody else falls to another one', async ({ dataDir, log }) => {
  const first = await startRedis({ dataDir, log });
  await first.stop();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(first.port, '127.0.0.1', resolve));

  const second = await startRedis({ dataDir, log });
  expect(second.port).not.toBe(first.port);
  expect(await withRedis(second.url, (redis) => redis.ping())).toBe('PONG');
  await second.stop();
  await new Promise((resolve) => squatter.close(resolve));
});
