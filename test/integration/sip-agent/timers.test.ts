import { tagOf } from './support/messages.js';
import { expect, fast, test, until, untilIdle } from './support/fixtures.js';

/** RFC 3261 table 4, each seen to fire. Times are only ever compared with what they bring about. */

test('A and B: an INVITE without any answer is sent again and again, then fails with 408', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);

  expect((await call.failure).status).toBe(408);
  // 0, 1, 3, 7, 15, 31 and 63 times T1; the last one may be late.
  expect(far.seen.length).toBeGreaterThanOrEqual(5);
  expect(far.seen.length).toBeLessThanOrEqual(7);
  expect(new Set(far.seen.map(({ text }) => text)).size).toBe(1);
  await untilIdle(stage.agent);
});

test('A stops with the first provisional', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  await far.repeated(invite);
  far.reply(invite, 100);
  const before = await settled(() => far.seen.length);
  far.reply(invite, 486);
  await call.failure;
  expect(far.seen.filter(({ method }) => method === 'INVITE')).toHaveLength(before);
  await untilIdle(stage.agent);
});

test('A and B are left out over TCP but for the end', async ({ phone, stage }) => {
  const far = await stage.tcpServer();
  const call = phone.place(`sip:x@127.0.0.1:${far.port};transport=tcp`);

  expect((await call.failure).status).toBe(408);
  expect(far.seen).toHaveLength(1);
});

test.extend('options', { timers: { ...fast, c: 300 } })(
  'C: who rings without end is cancelled',
  async ({ phone, far }) => {
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
    const invite = await far.request('INVITE');
    far.reply(invite, 180);

    const cancel = await far.request('CANCEL');
    far.reply(cancel, 200);
    far.reply(invite, 487);
    expect((await call.failure).status).toBe(487);
  },
);

test('D: a failure that comes again is acknowledged again, until it is over', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.reply(invite, 486);
  await call.failure;
  const first = await far.request('ACK');

  far.reply(invite, 486);
  await far.repeated(first);

  await untilIdle(stage.agent);
  far.reply(invite, 486);
  await far.barrier();
  expect(far.seen.filter(({ method }) => method === 'ACK')).toHaveLength(2);
});

test('E and F: a BYE without answer is sent again, at last every T2, then ends with 408', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  far.answer(await far.request('INVITE'));
  const dialog = await call.dialog;

  await dialog.destroy();

  const byes = far.seen.filter(({ method }) => method === 'BYE');
  // Were the pauses to go on doubling there would be 7 at most: T2 keeps them short.
  expect(byes.length).toBeGreaterThanOrEqual(8);
  expect(byes.length).toBeLessThanOrEqual(11);
  expect(stage.agent.stats().dialogs).toBe(0);
});

test.extend('options', { timers: { ...fast, t2: 320 } })(
  'E is T2 from the first provisional on',
  async ({ phone, far }) => {
    const { answer } = await phone.send(`sip:127.0.0.1:${far.port}`, { method: 'OPTIONS' });
    const options = await far.request('OPTIONS');
    far.reply(options, 100);
    const before = far.seen.length;

    expect((await answer).status).toBe(408);
    expect(far.seen.length).toBeLessThanOrEqual(before + 3);
  },
);

test('K: an answer that comes again is taken without a word', async ({ phone, far, stage }) => {
  const { answer } = await phone.send(`sip:127.0.0.1:${far.port}`, { method: 'OPTIONS' });
  const options = await far.request('OPTIONS');
  far.reply(options, 200);
  expect((await answer).status).toBe(200);

  far.reply(options, 200);
  await far.barrier();
  expect(stage.agent.stats().clientTransactions).toBe(1);
  await untilIdle(stage.agent);
});

test('M: an answer that comes again is acknowledged again, with the same ACK', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite);
  const dialog = await call.dialog;
  const first = await far.request('ACK');

  far.answer(invite);
  far.answer(invite);
  await far.repeated(first);
  await far.repeated(first);
  expect(dialog.connected).toBe(true);

  await until(
    () => stage.agent.stats().clientTransactions === 0,
    () => 'timer M',
  );
  expect(stage.agent.stats().dialogs).toBe(1);
});

test('an answer that comes again after M still belongs to its call', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite);
  const dialog = await call.dialog;
  const first = await far.request('ACK');
  await until(
    () => stage.agent.stats().invites === 0,
    () => 'timer M',
  );

  far.answer(invite);
  await far.repeated(first);
  expect(dialog.connected).toBe(true);
});

test('G and H: a failure without ACK is sent again, then forgotten', async ({ phone, far, stage }) => {
  phone.onRequest('invite', (_request, response) => response.send(486));
  far.send(far.out('INVITE'));

  const first = await far.response(486);
  await far.repeated(first);
  await untilIdle(stage.agent);
  expect(far.seen.length).toBeGreaterThanOrEqual(10);
});

test('G and I: an ACK ends the repetition of a failure', async ({ phone, far, stage }) => {
  phone.onRequest('invite', (_request, response) => response.send(486));
  const branch = 'z9hG4bKtimer-i';
  far.send(far.out('INVITE', { branch, callId: 'timer-i' }));
  const failure = await far.response(486);

  far.send(far.out('ACK', { branch, callId: 'timer-i', to: failure.get('to') }));
  const before = await settled(() => far.seen.length);
  expect(before).toBeLessThan(4);
  await untilIdle(stage.agent);
});

test('I: a refused INVITE that comes again after its ACK makes no second call', async ({
  phone,
  far,
  stage,
}) => {
  let calls = 0;
  phone.onRequest('invite', (_request, response) => {
    calls += 1;
    response.send(486);
  });
  const [branch, callId] = ['z9hG4bKtimer-i-again', 'timer-i-again'];
  const invite = far.out('INVITE', { branch, callId });
  far.send(invite);
  const failure = await far.response(486);
  far.send(far.out('ACK', { branch, callId, to: failure.get('to') }));
  far.send(invite);
  await far.barrier();
  expect(calls).toBe(1);
  expect(far.seen.filter(({ status }) => status === 486).length).toBeLessThan(4);
  await untilIdle(stage.agent);
});

test('an INVITE that comes again while it rings gets the same provisional', async ({ phone, far }) => {
  phone.onRequest('invite', (_request, response) => response.send(180));
  const invite = far.out('INVITE');
  far.send(invite);
  const ringing = await far.response(180);
  far.send(invite);
  await far.repeated(ringing);
});

test('J: a request that comes again gets the same answer', async ({ far, stage }) => {
  const options = far.out('OPTIONS');
  far.send(options);
  const first = await far.response(200);
  far.send(options);
  await far.repeated(first);
  expect(stage.agent.stats().serverTransactions).toBe(1);
  await untilIdle(stage.agent);
});

test('an answer without ACK is sent again, then the call is ended and the application told', async ({
  phone,
  far,
  stage,
}) => {
  const ended = new Promise<string>((resolve) => {
    phone.onRequest('invite', (request, response) => {
      void phone.answer(request, response).then((dialog) => {
        dialog.once('destroy', (bye) => resolve(bye.get('reason') ?? ''));
      });
    });
  });
  far.send(far.out('INVITE'));

  const answer = await far.response(200);
  await far.repeated(answer);
  expect(await ended).toContain('ACK timeout');
  const bye = await far.request('BYE');
  expect(tagOf(bye.get('from'))).toBe(tagOf(answer.get('to')));
  far.reply(bye, 200);
  await untilIdle(stage.agent);
});

test('L: an INVITE that comes again after its answer makes no second call', async ({ phone, far }) => {
  let calls = 0;
  phone.onRequest('invite', (request, response) => {
    calls += 1;
    void phone.answer(request, response);
  });
  const invite = far.out('INVITE');
  far.send(invite);
  const answer = await far.response(200);
  far.send(invite);
  await far.repeated(answer);
  far.ack(answer);
  far.send(invite);
  await far.barrier();
  expect(calls).toBe(1);
});

test('a request that nobody can be reached for fails with 503 at once', async ({ phone, stage }) => {
  const gone = await stage.tcpServer();
  await gone.close();
  const call = phone.place(`sip:x@127.0.0.1:${gone.port};transport=tcp`);
  expect((await call.failure).status).toBe(503);

  const nowhere = phone.place('sip:x@no-such-host.invalid');
  expect((await nowhere.failure).status).toBe(503);
  await untilIdle(stage.agent);
});

test('a connection that breaks before any answer fails its requests with 503', async ({ phone, stage }) => {
  const far = await stage.tcpServer();
  const call = phone.place(`sip:x@127.0.0.1:${far.port};transport=tcp`);
  await far.request('INVITE');
  far.drop();
  expect((await call.failure).status).toBe(503);
});

test('a datagram that is too large to be sent fails with 503', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, {
    headers: { Subject: 'x'.repeat(20) },
    localSdp: `v=0\r\n${'a'.repeat(65_100)}`,
  });
  expect((await call.failure).status).toBe(503);
  await untilIdle(stage.agent);
});

/** A number that has stood still for some of the fast timers. */
async function settled(count: () => number): Promise<number> {
  let last = count();
  let since = performance.now();
  await until(
    () => {
      if (count() !== last) {
        last = count();
        since = performance.now();
      }
      return performance.now() - since > 4 * fast.t2;
    },
    () => 'stillness',
  );
  return last;
}
