import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openJournal } from '@dialstream/dialer/sip-agent/journal.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import {
  expect,
  fast,
  log,
  portOf,
  secret,
  startAgent,
  test as base,
  until,
  untilIdle,
} from './support/fixtures.js';
import { udpFarEnd, type FarEnd } from './support/far-end.js';
import { branchOf, cseqOf, sdp, tagOf } from './support/messages.js';
import { connectPhone } from './support/phone.js';

const program = fileURLToPath(import.meta.resolve('@dialstream/dialer/sip-agent/main.js'));

interface AgentProcess {
  adminPort: number;
  sipPort: number;
  journal: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  lines(): Promise<string[]>;
}

/** The agent as a process that can be killed and started again on the same ports and journal. */
const test = base.extend('process', async ({ onTestFinished }): Promise<AgentProcess> => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  const [adminPort, sipPort] = [await freePort(), await freePort()];
  const journal = path.join(dir, 'deep', `sip-agent-${adminPort}.journal`);
  let child: ChildProcess | undefined;
  const agent: AgentProcess = {
    adminPort,
    sipPort,
    journal,
    async start() {
      const made = spawn(process.execPath, [program], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          DATA_DIR: path.dirname(journal),
          DRACHTIO_PORT: `${adminPort}`,
          DRACHTIO_SECRET: secret,
          SIP_BIND: `udp:127.0.0.1:${sipPort}`,
          LOG_LEVEL: 'info',
        },
      });
      child = made;
      await until(
        () => made.stdout.read() !== null,
        () => 'the agent listens',
      );
      made.stdout.resume();
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    lines: async () => (await fs.readFile(journal, 'utf8')).split('\n').filter((line) => line !== ''),
  };
  onTestFinished(async () => {
    await agent.kill();
    await fs.rm(dir, { recursive: true, force: true });
  });
  await agent.start();
  return agent;
});

async function farEnds(
  port: number,
  count: number,
  onTestFinished: (close: () => Promise<void>) => void,
): Promise<FarEnd[]> {
  const made = await Promise.all(Array.from({ length: count }, () => udpFarEnd(port)));
  for (const one of made) onTestFinished(() => one.close());
  return made;
}

test('an agent that was killed ends, when it is back, what it had left', async ({
  process,
  onTestFinished,
}) => {
  const made = await farEnds(process.sipPort, 4, onTestFinished);
  const [ringing, silent, answered, over] = made as [FarEnd, FarEnd, FarEnd, FarEnd];
  const phone = await connectPhone(process.adminPort, secret);
  const calls = made.map(({ port }) =>
    phone.place(`sip:x@127.0.0.1:${port}`, { callingNumber: '1' } as never),
  );
  for (const { dialog } of calls) dialog.catch(() => {});
  const invite = await ringing.request('INVITE');
  ringing.reply(invite, 180);
  const unanswered = await silent.request('INVITE');
  answered.answer(await answered.request('INVITE'));
  await answered.request('ACK');
  over.answer(await over.request('INVITE'));
  const ended = calls[3]?.dialog.then((dialog) => dialog.destroy());
  over.reply(await over.request('BYE'), 200);
  await ended;
  await expect
    .poll(async () => (await process.lines()).filter((line) => line.includes('"end"')))
    .toHaveLength(3);

  await process.kill();
  phone.drop();
  await process.start();

  const cancel = await ringing.request('CANCEL');
  expect(branchOf(cancel)).toBe(branchOf(invite));
  expect(cancel.uri).toBe(invite.uri);
  expect(cseqOf(cancel)).toBe(cseqOf(invite));
  ringing.reply(cancel, 200);
  ringing.reply(invite, 487);
  expect(branchOf(await ringing.request('ACK'))).toBe(branchOf(invite));

  // This one is answered just as it is cancelled.
  silent.answer(unanswered);
  await silent.request('CANCEL');
  await silent.request('ACK');
  silent.reply(await silent.request('BYE'), 200);

  const bye = await answered.request('BYE');
  expect(tagOf(bye.get('to'))).toBe('far');
  expect(cseqOf(bye)).toBeGreaterThan(1_000);
  answered.reply(bye, 200);

  await over.barrier();
  expect(over.seen.filter(({ method }) => method === 'BYE' || method === 'CANCEL')).toHaveLength(1);
});

test('what one life could not end the next one does', async ({ process, onTestFinished }) => {
  const [far] = (await farEnds(process.sipPort, 1, onTestFinished)) as [FarEnd];
  const phone = await connectPhone(process.adminPort, secret);
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  call.dialog.catch(() => {});
  far.answer(await far.request('INVITE'));
  await far.request('ACK');
  await expect
    .poll(async () => (await process.lines()).some((line) => line.includes('"dialog"')), { timeout: 5_000 })
    .toBe(true);
  phone.drop();
  await process.kill();

  await process.start();
  const first = await far.request('BYE');
  await process.kill();
  await process.start();
  const second = await far.request('BYE');
  expect(second.get('call-id')).toBe(first.get('call-id'));
  expect(second.text).not.toBe(first.text);
  far.reply(second, 200);
});

base('an agent that was closed in good order leaves nothing to the next one', async ({ onTestFinished }) => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }));
  const journalFile = path.join(dir, 'journal');
  const agent = await startAgent({ journalFile });
  const [far] = (await farEnds(portOf(agent, 'udp'), 1, onTestFinished)) as [FarEnd];
  const phone = await connectPhone(agent.adminPort, secret);
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  far.answer(await far.request('INVITE'));
  await call.dialog;
  await far.request('ACK');
  const closed = agent.close();
  far.reply(await far.request('BYE'), 200);
  await closed;

  const next = await startAgent({ journalFile });
  onTestFinished(() => next.close());
  expect(next.stats()).toMatchObject({ clientTransactions: 0, invites: 0, dialogs: 0 });
  expect(await fs.readFile(journalFile, 'utf8')).toBe('');
});

base('a journal that is spoiled does not keep the agent from starting', async ({ onTestFinished }) => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }));
  const port = await freePort();
  const far = await udpFarEnd(port);
  onTestFinished(() => far.close());
  const journalFile = path.join(dir, 'journal');
  const bye = [
    `BYE sip:x@127.0.0.1:${far.port} SIP/2.0`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:c@d>;tag=2',
    'Call-ID: whole',
    'CSeq: 1001 BYE',
    '',
    '',
  ].join('\r\n');
  const whole = { key: 'dialog whole', kind: 'dialog', bye, transport: 'udp' };
  await fs.writeFile(
    journalFile,
    [
      'no JSON',
      'null',
      '42',
      '[]',
      '{"key":"a","kind":"invite"}',
      '{"key":"b","kind":"dialog","bye":"no SIP","transport":"udp"}',
      '{"key":"c","kind":"invite","text":"INVITE x","transport":"udp","host":"127.0.0.1","port":9}',
      '{"end":"never was"}',
      JSON.stringify(whole),
      '{"key":"cut off","ki',
    ].join('\n'),
  );
  const sip = [{ transport: 'udp', host: '127.0.0.1', port }] as const;
  const agent = await startAgent({ journalFile, sip, timers: fast });
  onTestFinished(() => agent.close());
  far.reply(await far.request('BYE'), 200);
  await untilIdle(agent);
  await expect
    .poll(() => fs.readFile(journalFile, 'utf8'), { timeout: 5_000 })
    .toContain('{"end":"dialog whole"}');
});

base('what waits for a note goes on only when it stands in the file', async ({ onTestFinished }) => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'journal');
  const { journal } = openJournal(file, log);
  const entry = { kind: 'invite', text: 'INVITE', transport: 'udp', host: '127.0.0.1', port: 9 } as const;
  const then = await new Promise<string>((resolve) => {
    journal.open('this one', entry, () => resolve(readFileSync(file, 'utf8')));
  });
  expect(then).toContain('"this one"');
  journal.close();
});

base('a journal of thousands of calls stays small', async ({ onTestFinished }) => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'journal');
  const { journal } = openJournal(file, log);
  const entry = { kind: 'dialog', bye: sdp.repeat(10), transport: 'udp' } as const;
  journal.open('stays', entry);
  for (let i = 0; i < 20_000; i += 1) {
    journal.open(`call ${i}`, entry);
    journal.end(`call ${i}`);
    if (i % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => {
    journal.open('last', entry, resolve);
  });
  expect((await fs.stat(file)).size).toBeLessThan(9 * 1024 * 1024);
  journal.close();
  const { left, journal: next } = openJournal(file, log);
  next.close();
  expect([...left.keys()]).toEqual(['stays', 'last']);
});
