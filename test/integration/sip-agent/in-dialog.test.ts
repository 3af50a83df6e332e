import { cseqOf, sdp, tagOf, unique, type Message } from './support/messages.js';
import { expect, test, untilIdle } from './support/fixtures.js';
import type { FarEnd } from './support/far-end.js';
import type { Phone, PhoneDialog } from './support/phone.js';

/** A call that the phone has placed and the far end has answered. */
async function connect(
  phone: Phone,
  far: FarEnd,
  headers: Record<string, string> = {},
): Promise<{ dialog: PhoneDialog; invite: Message }> {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { headers });
  const invite = await far.request('INVITE');
  far.answer(invite);
  const dialog = await call.dialog;
  await far.request('ACK');
  return { dialog, invite };
}

test('a re-INVITE is numbered on, answered and acknowledged; it moves the far end', async ({
  phone,
  far,
  stage,
}) => {
  const { dialog, invite } = await connect(phone, far);
  const moved = await stage.udp();
  const modified = dialog.modify(sdp.replace('sendrecv', 'sendonly'));
  const again = await far.request('INVITE');
  expect(cseqOf(again)).toBe(cseqOf(invite) + 1);
  expect(tagOf(again.get('to'))).toBe('far');
  expect(again.get('contact')).toBe(invite.get('contact'));
  far.reply(again, 200, { body: sdp, headers: [`Contact: ${moved.contact}`] });

  expect(await modified).toBe(sdp);
  const ack = await moved.request('ACK');
  expect(cseqOf(ack)).toBe(cseqOf(again));
  const ended = dialog.destroy();
  const bye = await moved.request('BYE');
  expect(cseqOf(bye)).toBe(cseqOf(again) + 1);
  moved.reply(bye, 200);
  await ended;
});

test('a re-INVITE that is refused leaves the call as it was', async ({ phone, far, stage }) => {
  const { dialog } = await connect(phone, far);
  const modified = dialog.modify(sdp);
  far.reply(await far.request('INVITE'), 488);
  await expect(modified).rejects.toMatchObject({ status: 488 });
  await far.request('ACK');
  expect(stage.agent.stats().dialogs).toBe(1);
});

test('a re-INVITE of the far end reaches the application, and its ACK too; it moves the far end', async ({
  phone,
  far,
  stage,
}) => {
  const { dialog, invite } = await connect(phone, far);
  const moved = await stage.udp();
  const acknowledged = new Promise<void>((resolve) => {
    dialog.on('ack', () => resolve());
  });
  dialog.on('modify', (_request, response) => response.send(200, { body: sdp }));
  far.send(far.within(invite, 'INVITE', { headers: [`Contact: ${moved.contact}`], body: sdp }));
  const answer = await far.response(200, 'INVITE');
  expect(answer.get('contact')).toContain(`127.0.0.1:${stage.udpPort}`);
  far.send(far.within(invite, 'ACK'));
  await acknowledged;

  const ended = dialog.destroy();
  moved.reply(await moved.request('BYE'), 200);
  await ended;
});

test('re-INVITEs that cross are refused with 491', async ({ phone, far }) => {
  const { dialog, invite } = await connect(phone, far);
  const modified = dialog.modify(sdp);
  const again = await far.request('INVITE');
  far.send(far.within(invite, 'INVITE', { body: sdp }));
  await far.response(491, 'INVITE');

  far.reply(again, 491);
  await expect(modified).rejects.toMatchObject({ status: 491 });
  expect(dialog.connected).toBe(true);
});

test('a second re-INVITE while the application thinks about the first is put off with 500', async ({
  phone,
  far,
}) => {
  const { dialog, invite } = await connect(phone, far);
  dialog.on('modify', () => {});
  far.send(far.within(invite, 'INVITE', { cseq: 1, body: sdp }));
  far.send(far.within(invite, 'INVITE', { cseq: 2, body: sdp }));
  expect((await far.response(500, 'INVITE')).get('retry-after')).not.toBe('');
});

test('a request that is numbered below the one before is refused with 500', async ({ phone, far }) => {
  const { invite } = await connect(phone, far);
  far.send(far.within(invite, 'INFO', { cseq: 7 }));
  await far.response(200, 'INFO');
  far.send(far.within(invite, 'OPTIONS', { cseq: 6 }));
  await far.response(500, 'OPTIONS');
});

test('UPDATE moves the far end, either way', async ({ phone, far, stage }) => {
  const { dialog, invite } = await connect(phone, far);
  const second = await stage.udp();
  const third = await stage.udp();
  far.send(far.within(invite, 'UPDATE', { headers: [`Contact: ${second.contact}`] }));
  await far.response(200, 'UPDATE');

  const updated = dialog.request({ method: 'UPDATE' });
  const update = await second.request('UPDATE');
  second.reply(update, 200, { headers: [`Contact: ${third.contact}`] });
  expect((await updated).status).toBe(200);
  const info = dialog.request({ method: 'INFO' });
  third.reply(await third.request('INFO'), 200);
  expect((await info).status).toBe(200);
});

for (const method of ['INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY', 'REFER']) {
  test(`${method} passes in both ways, with its headers and body`, async ({ phone, far }) => {
    const { dialog, invite } = await connect(phone, far);
    const asked = dialog.request({
      method,
      headers: { 'Content-Type': 'text/plain', 'X-Mine': 'yes' },
      body: 'grüße',
    });
    const request = await far.request(method);
    expect([request.body, request.get('x-mine'), request.get('content-type')]).toEqual([
      'grüße',
      'yes',
      'text/plain',
    ]);
    far.reply(request, 202, { headers: ['X-Far: yes'] });
    const response = await asked;
    expect([response.status, response.get('x-far')]).toEqual([202, 'yes']);

    dialog.on(method.toLowerCase(), (incoming, res) =>
      res.send(200, { headers: { 'X-Got': incoming.body } }),
    );
    far.send(far.within(invite, method, { headers: ['Content-Type: text/plain'], body: 'zurück' }));
    expect((await far.response(200, method)).get('x-got')).toBe('zurück');
  });
}

test('a reliable provisional is acknowledged by a PRACK in its early dialog', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.reply(invite, 183, {
    headers: ['RSeq: 7', 'Require: 100rel', `Contact: ${far.contact}`],
    body: sdp,
  });
  const prack = await far.request('PRACK');
  expect(prack.get('rack')).toBe(`7 ${cseqOf(invite)} INVITE`);
  expect(cseqOf(prack)).toBe(cseqOf(invite) + 1);
  far.reply(prack, 200);
  far.answer(invite);
  const dialog = await call.dialog;
  expect(cseqOf(await far.request('ACK'))).toBe(cseqOf(invite));
  const ended = dialog.destroy();
  const bye = await far.request('BYE');
  expect(cseqOf(bye)).toBe(cseqOf(invite) + 2);
  far.reply(bye, 200);
  await ended;
});

test('a request of a dialog that does not exist is answered with 481', async ({ phone, far }) => {
  const { invite } = await connect(phone, far);
  for (const method of ['BYE', 'INFO', 'INVITE']) {
    far.send(far.within(invite, method, { tag: 'another' }));
    await far.response(481, method);
  }
  far.send(far.out('BYE'));
  await far.response(481, 'BYE');
});

test('a BYE twice is answered twice, the second time with 481', async ({ phone, far }) => {
  const { invite } = await connect(phone, far);
  far.send(far.within(invite, 'BYE', { cseq: 1 }));
  await far.response(200, 'BYE');
  far.send(far.within(invite, 'BYE', { cseq: 2 }));
  await far.response(481, 'BYE');
});

test('a request of the application in a dialog that is over is refused', async ({ phone, far }) => {
  const { dialog } = await connect(phone, far);
  const ended = dialog.destroy();
  far.reply(await far.request('BYE'), 200);
  await ended;
  await expect(
    phone.send('sip:placeholder', { method: 'BYE', stackDialogId: dialog.id }),
  ).rejects.toMatchObject({
    code: 'ENODIALOG',
  });
});

test('any client may end a call by the id of its dialog', async ({ phone, far, stage }) => {
  const callId = unique('stored');
  await connect(phone, far, { 'Call-ID': callId, From: '<sip:me@example.org>;tag=stored' });
  const other = await stage.connect();

  const bye = other.send('sip:placeholder', { method: 'BYE', stackDialogId: `${callId};from-tag=stored` });
  const request = await far.request('BYE');
  expect([request.get('call-id'), tagOf(request.get('to'))]).toEqual([callId, 'far']);
  far.reply(request, 200);
  expect((await (await bye).answer).status).toBe(200);
  await untilIdle(stage.agent);
});

test('a BYE that a client has built by hand goes out as it is', async ({ phone, far, stage }) => {
  const proxy = await stage.udp();
  const bye = phone.send(`sip:gone@127.0.0.1:${far.port}`, {
    method: 'BYE',
    headers: {
      From: '<sip:me@example.org>;tag=mine',
      To: '<sip:them@example.org>;tag=theirs',
      'Call-ID': 'of-another-life',
      CSeq: '101 BYE',
      Route: `<sip:127.0.0.1:${proxy.port};lr>, <sip:last.invalid;lr>`,
    },
  });
  const sent = await proxy.request('BYE');
  expect(sent.uri).toBe(`sip:gone@127.0.0.1:${far.port}`);
  expect(sent.get('from')).toBe('<sip:me@example.org>;tag=mine');
  expect(sent.get('to')).toBe('<sip:them@example.org>;tag=theirs');
  expect(sent.get('call-id')).toBe('of-another-life');
  expect(sent.get('cseq')).toBe('101 BYE');
  expect(sent.get('route')).toBe(`<sip:127.0.0.1:${proxy.port};lr>, <sip:last.invalid;lr>`);
  proxy.reply(sent, 481);
  expect((await (await bye).answer).status).toBe(481);
});

test('a BYE built by hand for a call that stands ends it', async ({ phone, far, stage }) => {
  const { invite, dialog } = await connect(phone, far);
  const { answer } = await phone.send(`sip:far@127.0.0.1:${far.port}`, {
    method: 'BYE',
    headers: {
      From: invite.get('from'),
      To: `${invite.get('to')};tag=far`,
      'Call-ID': dialog.sip.callId,
      CSeq: '101 BYE',
    },
  });
  const bye = await far.request('BYE');
  // As asked, or above what was sent in the dialog before.
  expect(cseqOf(bye)).toBeGreaterThanOrEqual(101);
  far.reply(bye, 200);
  await answer;
  await untilIdle(stage.agent);
});

test('a BYE that is challenged is sent again with credentials', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { auth: { username: 'me', password: 'pw' } });
  far.answer(await far.request('INVITE'));
  const ended = (await call.dialog).destroy();
  const bye = await far.request('BYE');
  far.reply(bye, 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] });
  const again = await far.request('BYE');
  expect(cseqOf(again)).toBe(cseqOf(bye) + 1);
  expect(again.get('authorization')).toContain('username="me"');
  far.reply(again, 200);
  await ended;
  expect(stage.agent.stats().dialogs).toBe(0);
});
