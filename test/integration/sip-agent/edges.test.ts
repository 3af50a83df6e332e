import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { describe, expect, fast, secret, startAgent, test, until, untilIdle } from './support/fixtures.js';
import { cseqOf, sdp, unique } from './support/messages.js';

describe('an application that answers a call', () => {
  test('may still do so for a moment after the CANCEL', async ({ phone, far, stage }) => {
    phone.onRequest('bye', (_request, response) => response.send(200));
    phone.onRequest('invite', (request, response) => {
      request.on('cancel', () => response.send(200, { body: sdp }));
      response.send(180);
    });
    const [callId, branch] = [unique('grace'), 'z9hG4bKgrace'];
    far.send(far.out('INVITE', { callId, branch, body: sdp }));
    await far.response(180);
    far.send(far.out('CANCEL', { callId, branch }));

    await far.response(200, 'CANCEL');
    const answer = await far.response(200, 'INVITE');
    far.ack(answer);
    expect(stage.agent.stats().dialogs).toBe(1);
    far.send(far.out('BYE', { callId, to: answer.get('to'), cseq: 2 }));
    await far.response(200, 'BYE');
    await untilIdle(stage.agent);
  });

  test('has a later answer than another ACK repeated until its own comes', async ({ phone, far }) => {
    const answered = new Promise<void>((resolve) => {
      phone.onRequest('invite', (request, response) => {
        void phone.answer(request, response).then((dialog) => {
          dialog.on('modify', (_again, res) => res.send(200, { body: sdp }));
          resolve();
        });
      });
    });
    const callId = unique('acks');
    far.send(far.out('INVITE', { callId, body: sdp }));
    const first = await far.response(200, 'INVITE');
    far.ack(first);
    await answered;
    far.send(far.out('INVITE', { callId, to: first.get('to'), cseq: 2, body: sdp }));
    const second = await far.response(200, 'INVITE');

    // The ACK of the first answer, late.
    far.ack(first);
    await far.repeated(second);
    await far.repeated(second);
    far.ack(second);

    // And then the next one may come at once.
    far.send(far.out('INVITE', { callId, to: first.get('to'), cseq: 3, body: sdp }));
    far.ack(await far.response(200, 'INVITE'));
    await far.barrier();
  });
});

test('an answer goes over a new connection when the one of its INVITE is closed', async ({
  phone,
  stage,
}) => {
  const far = await stage.tcp();
  const listening = await stage.tcpServer();
  const asked = new Promise<() => void>((resolve) => {
    phone.onRequest('invite', (_request, response) => resolve(() => response.send(486)));
  });
  far.send(
    far.out('INVITE', { via: `Via: SIP/2.0/TCP 127.0.0.1:${listening.port};branch=z9hG4bK${unique('tcp')}` }),
  );
  const refuse = await asked;
  far.socket.destroy();
  await (await stage.udp()).barrier();
  refuse();
  await listening.response(486);
});

describe('an application that sends by hand', () => {
  test('has an ACK outside of a dialog sent once, with no transaction to wait for', async ({
    phone,
    far,
    stage,
  }) => {
    const sent = await phone.send(`sip:x@127.0.0.1:${far.port}`, { method: 'ACK' });
    const ack = await far.request('ACK');
    expect(ack.get('call-id')).toBe(sent.sent.get('call-id'));
    expect(stage.agent.stats().clientTransactions).toBe(0);
  });

  test('gets every CSeq higher than the one before within a call', async ({ phone, far }) => {
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
    const invite = await far.request('INVITE');
    far.answer(invite);
    const dialog = await call.dialog;
    await far.request('ACK');
    const numbers = [cseqOf(invite)];
    for (const method of ['INFO', 'OPTIONS', 'INFO']) {
      const asked = dialog.request({ method });
      const request = await far.request(method);
      numbers.push(cseqOf(request));
      far.reply(request, 200);
      await asked;
    }
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(4);
  });

  for (const headers of [
    { 'Call-ID': 'a|b' },
    { From: '<sip:a@b>;tag=a|b' },
    { To: '<sip:a@b' },
    { From: ';tag=x' },
  ] as Record<string, string>[]) {
    test(`is told that ${JSON.stringify(headers)} cannot be sent`, async ({ phone, far }) => {
      const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { headers });
      await expect(call.dialog).rejects.toMatchObject({ code: 'EDRACHTIO' });
      await far.barrier();
      expect(far.seen).toHaveLength(1);
    });
  }
});

describe('a peer that behaves badly', () => {
  test('sends half a message in a datagram: 400', async ({ far, stage }) => {
    far.send(far.out('OPTIONS').replace('\r\n\r\n', '\r\n'));
    await far.response(400);
    expect(stage.agent.stats().dropped).toBe(1);
  });

  test('leaves its admin connection half open after it was refused: it is closed', async ({ stage }) => {
    const socket = net.connect({ port: stage.agent.adminPort, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    socket.on('error', () => {});
    const payload = `1|authenticate|${secret}|`;
    socket.write(`${payload.length}#${payload}`);
    await once(socket, 'data');
    socket.write('no length#');
    await once(socket, 'data');
    // It never says goodbye, and goes on talking.
    socket.write('6#m|ping');
    await until(
      () => stage.agent.stats().clients === 0,
      () => 'the client counts as gone',
    );
    socket.destroy();
  });
});

test.extend('options', { timers: fast, endCallsOfLostClients: false })(
  'an agent that is closed ends the calls of nobody as well',
  async ({ phone, far, stage }) => {
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
    far.answer(await far.request('INVITE'));
    await call.dialog;
    await far.request('ACK');
    phone.drop();
    await until(
      () => stage.agent.stats().clients === 0,
      () => 'the client is gone',
    );
    const closed = stage.agent.close();
    far.reply(await far.request('BYE'), 200);
    await closed;
  },
);

test('an agent that finds its port taken leaves the journal of the one that has it alone', async ({
  onTestFinished,
}) => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-agent-'));
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }));
  const journalFile = path.join(dir, 'journal');
  const first = await startAgent({ journalFile });
  onTestFinished(() => first.close());
  const { ino } = await fs.stat(journalFile);

  await expect(startAgent({ journalFile, adminPort: first.adminPort })).rejects.toThrow('is in use');

  expect((await fs.stat(journalFile)).ino).toBe(ino);
});

test('an agent that finds one of its ports taken lets the others go', async ({ stage, onTestFinished }) => {
  const port = await freePort();
  const free = { transport: 'udp', host: '127.0.0.1', port } as const;
  const taken = { transport: 'tcp', host: '127.0.0.1', port: stage.tcpPort } as const;

  await expect(startAgent({ sip: [free, taken] })).rejects.toThrow(
    `SIP_BIND: tcp:127.0.0.1:${stage.tcpPort} is in use`,
  );

  const second = await startAgent({ sip: [free] });
  onTestFinished(() => second.close());
  expect(second.sip).toEqual([free]);
});

test('an agent that cannot keep its journal does not start, and lets its ports go', async ({ stage }) => {
  const sip = [{ transport: 'udp', host: '127.0.0.1', port: 0 }] as const;
  await expect(startAgent({ sip, journalFile: '/dev/null/journal' })).rejects.toThrow();
  expect(stage.agent.stats().clients).toBe(0);
});
