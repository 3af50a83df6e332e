import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { connect, campaignsStore } from '@dialstream/client-sdk';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { until, within } from '@dialstream/shared/embedded/waiting.js';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** `npm start` as a newcomer has it, but for its ports and files. */
let started: Awaited<ReturnType<typeof start>>;

async function start() {
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-demo-'));
  const [port, sip, admin] = await Promise.all([1, 2, 3].map(() => freePort('127.0.0.1')));
  const child = spawn(process.execPath, ['shared/bootstrap/start.mjs'], {
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      PORT: String(port),
      SIP_BIND: `udp:127.0.0.1:${sip},tcp:127.0.0.1:${sip}`,
      DRACHTIO_PORT: String(admin),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ready = new Promise<{ url: string; key: string }>((resolve) => {
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /^ready (\S+) key=(\S+)$/.exec(line);
      if (match?.[1] && match[2]) resolve({ url: match[1], key: match[2] });
    });
  });
  return { child, dataDir, exited, ...(await within(90_000, 'the ready line', ready)) };
}

beforeAll(async () => {
  started = await start();
}, 120_000);

afterAll(async () => {
  started.child.kill('SIGTERM');
  const [code] = await within(60_000, 'npm start ends', started.exited);
  expect(code).toBe(0);
  await fs.rm(started.dataDir, { recursive: true, force: true });
}, 90_000);

/** What two numbers for each ending 00–99 come to, see the demo trunk's table. */
const expected = {
  total: 200,
  planned: 0,
  in_progress: 0,
  retry_scheduled: 0,
  // 00–59, 94, 95, 96, 98, 99.
  answered: 130,
  // 60–69 busy, 70–79 and 97 never answered in time, 80–84 unavailable, 88–89 rejected.
  completed_without_answer: 56,
  // 85–87 unknown numbers, 90–92 congestion, 93 no reply at all.
  technical_error: 14,
  not_dialed: 0,
  plan_limit_exceeded: 0,
};

test(
  'the demo campaign ends finished with the counts its numbers imply, live and in the records',
  { timeout: 200_000 },
  async () => {
    const { url, key } = started;
    const client = connect({ url, token: key });
    const store = campaignsStore(client);
    try {
      const campaign = await until(() => store.get().campaigns.find(({ status }) => status === 'finished'), {
        withinMs: 180_000,
        what: 'the demo campaign is finished',
        everyMs: 200,
      });
      const read = async () => {
        const response = await fetch(`${url}/v1/campaigns/${campaign.id}`, {
          headers: { authorization: `Bearer ${key}` },
        });
        return (await response.json()) as { name: string; counts: unknown; statusReason: { code: string } };
      };
      const stored = await read();
      expect(stored.name).toBe('Demo campaign');
      expect(stored.statusReason.code).toBe('completed');
      expect(stored.counts).toEqual(expected);
      expect(campaign.counts).toEqual(expected);
    } finally {
      client.close();
    }
  },
);
