import { cseqOf, tagOf, unique } from './support/messages.js';
import { expect, test, untilIdle } from './support/fixtures.js';

test('a redirect that drachtio-srf follows goes on in the same call, numbered higher', async ({
  phone,
  far,
  stage,
}) => {
  const second = await stage.udp();
  const third = await stage.udp();
  const callId = unique('redirected');
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, {
    followRedirects: true,
    headers: { 'Call-ID': callId, From: '<sip:me@example.org>;tag=mine' },
  });
  const invite = await far.request('INVITE');
  far.reply(invite, 302, { headers: [`Contact: <sip:y@127.0.0.1:${second.port}>;q=1`] });
  await far.request('ACK');
  const again = await second.request('INVITE');
  expect(again.uri).toBe(`sip:y@127.0.0.1:${second.port}`);
  expect([again.get('call-id'), tagOf(again.get('from'))]).toEqual([callId, 'mine']);
  expect(cseqOf(again)).toBeGreaterThan(cseqOf(invite));
  second.reply(again, 301, { headers: [`Contact: <sip:z@127.0.0.1:${third.port}>, ${far.contact}`] });
  await second.request('ACK');
  const last = await third.request('INVITE');
  expect(cseqOf(last)).toBeGreaterThan(cseqOf(again));
  third.answer(last, { tag: 'third' });

  const dialog = await call.dialog;
  expect(dialog.id).toBe(`${callId};from-tag=mine`);
  expect(tagOf((await third.request('ACK')).get('to'))).toBe('third');
  const ended = dialog.destroy();
  third.reply(await third.request('BYE'), 200);
  await ended;
  await untilIdle(stage.agent);
});

test('a redirect to nowhere fails with 503', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { followRedirects: true });
  far.reply(await far.request('INVITE'), 302, { headers: ['Contact: <tel:+4930123456>'] });
  expect((await call.failure).status).toBe(503);
});

test('a redirect without end is given up', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { followRedirects: true });
  let over = false;
  const failed = call.failure.then(({ status }) => {
    over = true;
    return status;
  });
  for (let i = 0; !over && i < 5; i += 1) {
    far.reply(await far.request('INVITE'), 302, { headers: [`Contact: <sip:${i}@127.0.0.1:${far.port}>`] });
    await far.request('ACK');
  }
  expect(await failed).toBe(302);
});
