import { cseqOf, sdp, tagOf, unique } from './support/messages.js';
import { expect, test, until, untilIdle } from './support/fixtures.js';
import type { FarEnd } from './support/far-end.js';
import type { Phone, PhoneDialog } from './support/phone.js';

/** A phone that answers one call. */
function answering(phone: Phone): Promise<PhoneDialog> {
  return new Promise((resolve, reject) => {
    phone.onRequest('invite', (request, response) => {
      phone.answer(request, response).then(resolve, reject);
    });
  });
}

/** The phone has answered the far end's call. */
async function connect(phone: Phone, far: FarEnd, headers: string[] = []) {
  const answered = answering(phone);
  const callId = unique('in');
  far.send(far.out('INVITE', { callId, headers, body: sdp }));
  const answer = await far.response(200, 'INVITE');
  far.ack(answer);
  const within = (method: string, cseq: number): string =>
    far.out(method, { callId, to: answer.get('to'), cseq });
  return { dialog: await answered, answer, callId, within };
}

test('an INVITE rings and is answered by the application; the far end hangs up', async ({
  phone,
  far,
  stage,
}) => {
  const acknowledged = new Promise<PhoneDialog>((resolve) => {
    phone.onRequest('invite', (request, response) => {
      response.send(180);
      void phone.answer(request, response).then((dialog) => {
        dialog.on('ack', () => resolve(dialog));
      });
    });
  });
  const callId = unique('in');
  far.send(far.out('INVITE', { callId, body: sdp }));
  const ringing = await far.response(180);
  const answer = await far.response(200);
  expect(tagOf(ringing.get('to'))).not.toBe('');
  expect(tagOf(answer.get('to'))).toBe(tagOf(ringing.get('to')));
  expect(answer.get('contact')).toContain(`127.0.0.1:${stage.udpPort}`);
  expect(answer.body).toBe(sdp);
  far.ack(answer);
  const dialog = await acknowledged;
  expect(dialog.id).toBe(`${callId};from-tag=caller`);
  const destroyed = new Promise<void>((resolve) => {
    dialog.once('destroy', () => resolve());
  });

  far.send(far.out('BYE', { callId, to: answer.get('to'), cseq: 2 }));
  await far.response(200, 'BYE');
  await destroyed;
  await untilIdle(stage.agent);
});

test('the application hangs up a call that it has answered, along the recorded routes', async ({
  phone,
  stage,
}) => {
  const far = await stage.udp();
  const proxy = await stage.udp();
  const routes = [`<sip:127.0.0.1:${proxy.port};lr>`, '<sip:far-proxy.invalid;lr>'];
  const { dialog, answer } = await connect(phone, far, [`Record-Route: ${routes.join(', ')}`]);
  expect(answer.get('record-route')).toBe(routes.join(', '));

  const ended = dialog.destroy();
  const bye = await proxy.request('BYE');
  expect(bye.all('route')).toEqual(routes);
  expect(bye.uri).toBe(/<(.+)>/.exec(far.contact)?.[1]);
  expect(tagOf(bye.get('from'))).toBe(tagOf(answer.get('to')));
  expect(tagOf(bye.get('to'))).toBe('caller');
  proxy.reply(bye, 200);
  await ended;
  await untilIdle(stage.agent);
});

test('the application modifies a call that it has answered', async ({ phone, far }) => {
  const { dialog } = await connect(phone, far);
  const modified = dialog.modify(sdp);
  const invite = await far.request('INVITE');
  expect(tagOf(invite.get('to'))).toBe('caller');
  far.answer(invite);
  await modified;
  expect(cseqOf(await far.request('ACK'))).toBe(cseqOf(invite));
});

test('a CANCEL of the far end reaches the application, and ends its INVITE with 487', async ({
  phone,
  far,
  stage,
}) => {
  const cancelled = new Promise<void>((resolve) => {
    phone.onRequest('invite', (request, response) => {
      request.on('cancel', () => resolve());
      response.send(180);
    });
  });
  const [callId, branch] = [unique('in'), 'z9hG4bKto-be-cancelled'];
  far.send(far.out('INVITE', { callId, branch }));
  await far.response(180);
  far.send(far.out('CANCEL', { callId, branch }));

  await far.response(200, 'CANCEL');
  const terminated = await far.response(487, 'INVITE');
  await cancelled;
  far.send(far.out('ACK', { callId, branch, to: terminated.get('to') }));
  await untilIdle(stage.agent);
});

test('a CANCEL after the answer changes nothing', async ({ phone, far, stage }) => {
  const answered = answering(phone);
  const [callId, branch] = [unique('in'), 'z9hG4bKtoo-late'];
  far.send(far.out('INVITE', { callId, branch, body: sdp }));
  const answer = await far.response(200, 'INVITE');
  far.send(far.out('CANCEL', { callId, branch }));
  await far.response(200, 'CANCEL');
  far.ack(answer);
  await answered;
  expect(stage.agent.stats().dialogs).toBe(1);
});

test('a CANCEL of nothing is answered with 481', async ({ far }) => {
  far.send(far.out('CANCEL'));
  await far.response(481, 'CANCEL');
});

test('an INVITE that comes by two ways rings once', async ({ phone, far }) => {
  let calls = 0;
  phone.onRequest('invite', (_request, response) => {
    calls += 1;
    response.send(180);
  });
  const callId = unique('merged');
  far.send(far.out('INVITE', { callId }));
  await far.response(180);
  far.send(far.out('INVITE', { callId }));
  await far.response(482, 'INVITE');
  expect(calls).toBe(1);
});

test('OPTIONS is answered by the agent, unless an application wants it', async ({ phone, far }) => {
  far.send(far.out('OPTIONS'));
  expect((await far.response(200)).get('allow')).toContain('INVITE');

  phone.onRequest('options', (_request, response) => response.send(503));
  await phone.send(`sip:127.0.0.1:${far.port}`, { method: 'OPTIONS' });
  far.send(far.out('OPTIONS'));
  await far.response(503);
});

test('what no application wants is refused', async ({ far, stage }) => {
  far.send(far.out('INVITE'));
  await far.response(480, 'INVITE');
  far.send(far.out('MESSAGE'));
  await far.response(405, 'MESSAGE');
  await untilIdle(stage.agent);
});

test('a MESSAGE outside of a dialog reaches the application that wants it', async ({ phone, far }) => {
  phone.onRequest('message', (request, response) =>
    response.send(202, { headers: { 'X-Got': request.body } }),
  );
  far.send(far.out('MESSAGE', { headers: ['Content-Type: text/plain'], body: 'hello' }));
  expect((await far.response(202)).get('x-got')).toBe('hello');
});

test('a reliable provisional of the application makes an early dialog for its PRACK', async ({
  phone,
  far,
}) => {
  const pracked = new Promise<void>((resolve) => {
    phone.onRequest('invite', (_request, response) => {
      response.send(
        183,
        { headers: { RSeq: '1', Require: '100rel' } },
        () => {},
        () => resolve(),
      );
    });
    phone.onRequest('prack', (_request, response) => response.send(200));
  });
  const callId = unique('in');
  far.send(far.out('INVITE', { callId }));
  const progress = await far.response(183);
  far.send(far.out('PRACK', { callId, to: progress.get('to'), cseq: 2, headers: ['RAck: 1 1 INVITE'] }));
  await far.response(200, 'PRACK');
  await pracked;
});

test('a slow application is covered by a 100', async ({ phone, far }) => {
  phone.onRequest('invite', () => {});
  far.send(far.out('INVITE'));
  await far.response(100);
});

test.extend('options', { timers: { t1: 10, t2: 80, t4: 100, c: 200 } })(
  'an INVITE that the application never answers ends with 480, and is forgotten',
  async ({ phone, far, stage }) => {
    phone.onRequest('invite', (_request, response) => response.send(180));
    far.send(far.out('INVITE'));
    await far.response(480);
    await untilIdle(stage.agent);
  },
);

test('a request that the application never answers is forgotten', async ({ phone, far, stage }) => {
  phone.onRequest('message', () => {});
  far.send(far.out('MESSAGE'));
  await until(
    () => stage.agent.stats().serverTransactions === 1,
    () => 'the MESSAGE',
  );
  await untilIdle(stage.agent);
});

test('two applications get INVITEs by turns', async ({ phone, far, stage }) => {
  const other = await stage.connect();
  const turns: string[] = [];
  phone.onRequest('invite', (_request, response) => {
    turns.push('first');
    response.send(486);
  });
  other.onRequest('invite', (_request, response) => {
    turns.push('second');
    response.send(486);
  });
  for (let i = 0; i < 4; i += 1) {
    far.send(far.out('INVITE'));
    await far.response(486);
  }
  expect(turns.filter((turn) => turn === 'first')).toHaveLength(2);
});

test('a response notes where its request really came from', async ({ far }) => {
  far.send(far.out('OPTIONS', { via: `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKnat;rport` }));
  const via = (await far.response(200)).get('via');
  expect(via).toContain(`;rport=${far.port}`);
  expect(via).toContain(';received=127.0.0.1');
  expect(via).toMatch(/^SIP\/2.0\/UDP 10.0.0.1:5060;branch=z9hG4bKnat/);
});

test('a response goes to the port of the Via when that asks for no other', async ({ far, stage }) => {
  const listens = await stage.udp();
  far.send(
    far.out('OPTIONS', { via: `Via: SIP/2.0/UDP 127.0.0.1:${listens.port};branch=z9hG4bK${unique('via')}` }),
  );
  await listens.response(200);
});
