import { createHash } from 'node:crypto';
import { defaultTimers } from '@dialstream/dialer/sip-agent/timers.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { startSipp } from '../../support/sipp.js';
import { branchOf, cseqOf, sdp, tagOf, unique } from './support/messages.js';
import { expect, test, untilIdle } from './support/fixtures.js';

test('a call over UDP to sipp rings, is answered and ended by a BYE', async ({
  phone,
  stage,
  onTestFinished,
}) => {
  const sipp = await startSipp({ scenario: 'answer', port: await freePort(), values: { ringMs: 10 } });
  onTestFinished(() => sipp.stop());
  const heard: number[] = [];
  const call = phone.place(`sip:4930@127.0.0.1:${sipp.port}`, {
    onProvisional: ({ status }) => heard.push(status),
  });

  const dialog = await call.dialog;
  expect(heard).toEqual([180]);
  expect(stage.agent.stats()).toMatchObject({ clients: 1, dialogs: 1 });
  await dialog.destroy();

  expect(stage.agent.stats().dialogs).toBe(0);
  await expect
    .poll(() => sipp.calls(), { timeout: 5_000 })
    .toMatchObject({ open: 0, failed: 0, succeeded: 1 });
});

test('a call over TCP to sipp works alike', async ({ phone, onTestFinished }) => {
  const sipp = await startSipp({
    scenario: 'answer',
    port: await freePort(),
    values: { ringMs: 10 },
    transport: 'tcp',
  });
  onTestFinished(() => sipp.stop());

  const dialog = await phone.place(`sip:4930@127.0.0.1:${sipp.port};transport=tcp`).dialog;
  await dialog.destroy();

  await expect
    .poll(() => sipp.calls(), { timeout: 5_000 })
    .toMatchObject({ open: 0, failed: 0, succeeded: 1 });
});

const slow = test.extend('options', { timers: defaultTimers });

slow('two hundred calls at once to sipp all end well', async ({ phone, stage, onTestFinished }) => {
  const sipp = await startSipp({ scenario: 'answer', port: await freePort(), values: { ringMs: 5 } });
  onTestFinished(() => sipp.stop());

  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const dialog = await phone.place(`sip:${i}@127.0.0.1:${sipp.port}`).dialog;
      await dialog.destroy();
    }),
  );

  await expect
    .poll(() => sipp.calls(), { timeout: 5_000 })
    .toMatchObject({ open: 0, failed: 0, succeeded: 200 });
  expect(stage.agent.stats().dialogs).toBe(0);
});

test('the agent fills in what the application leaves out', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { callingNumber: '1000' } as never);
  const invite = await far.request('INVITE');

  expect(invite.get('via')).toMatch(
    new RegExp(`^SIP/2.0/UDP 127.0.0.1:${stage.udpPort};branch=z9hG4bK[0-9a-f]+;rport$`),
  );
  expect(invite.get('max-forwards')).toBe('70');
  expect(invite.get('cseq')).toMatch(/^\d+ INVITE$/);
  expect(invite.get('from')).toMatch(new RegExp(`sip:1000@127.0.0.1:${stage.udpPort}.*;tag=`));
  expect(invite.get('to')).toContain(`sip:x@127.0.0.1:${far.port}`);
  expect(invite.get('contact')).toContain(`sip:1000@127.0.0.1:${stage.udpPort}`);
  expect(invite.get('content-type')).toBe('application/sdp');
  expect(invite.body).toBe(sdp);
  far.reply(invite, 486);
  await call.failure;
});

test('Call-ID and From tag of the application are kept, and name the dialog', async ({ phone, far }) => {
  const callId = unique('my-call');
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, {
    headers: { 'Call-ID': callId, From: '<sip:me@example.org>;tag=mine', 'X-Mine': 'yes' },
  });
  const invite = await far.request('INVITE');
  expect([invite.get('call-id'), invite.get('from'), invite.get('x-mine')]).toEqual([
    callId,
    '<sip:me@example.org>;tag=mine',
    'yes',
  ]);
  far.answer(invite);

  const dialog = await call.dialog;
  expect(dialog.id).toBe(`${callId};from-tag=mine`);
});

test('a failure goes to the application, and is acknowledged by the agent', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.reply(invite, 486, { headers: ['Reason: Q.850;cause=17'] });

  const failure = await call.failure;
  expect(failure.status).toBe(486);
  expect(failure.res?.get('reason')).toBe('Q.850;cause=17');
  const ack = await far.request('ACK');
  expect(branchOf(ack)).toBe(branchOf(invite));
  expect(ack.uri).toBe(invite.uri);
  expect(tagOf(ack.get('to'))).toBe('far');
  expect(cseqOf(ack)).toBe(cseqOf(invite));
});

test('a redirect goes to the application', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  far.reply(await far.request('INVITE'), 302, { headers: ['Contact: <sip:elsewhere@127.0.0.1>'] });

  const failure = await call.failure;
  expect(failure.status).toBe(302);
  expect(failure.res?.get('contact')).toBe('<sip:elsewhere@127.0.0.1>');
});

test('the ACK to an answer goes to its Contact, through its routes in reverse', async ({ phone, stage }) => {
  const far = await stage.udp();
  const proxy = await stage.udp();
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  const outer = '<sip:outer.invalid;lr>';
  const near = `<sip:127.0.0.1:${proxy.port};lr>`;
  far.answer(invite, {
    headers: [`Record-Route: ${outer}, <sip:middle.invalid;lr>`, `Record-Route: ${near}`],
  });

  const ack = await proxy.request('ACK');
  expect(ack.all('route')).toEqual([near, '<sip:middle.invalid;lr>', outer]);
  expect(ack.uri).toBe(/<(.+)>/.exec(far.contact)?.[1]);
  expect(branchOf(ack)).not.toBe(branchOf(invite));
  const ended = (await call.dialog).destroy();
  const bye = await proxy.request('BYE');
  expect(bye.all('route')).toEqual(ack.all('route'));
  expect(cseqOf(bye)).toBe(cseqOf(invite) + 1);
  proxy.reply(bye, 200);
  await ended;
});

test('a BYE from the far end ends the dialog', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite);
  const dialog = await call.dialog;
  const destroyed = new Promise<void>((resolve) => {
    dialog.once('destroy', () => resolve());
  });
  await far.request('ACK');

  far.send(far.within(invite, 'BYE'));

  await destroyed;
  await far.response(200, 'BYE');
  expect(stage.agent.stats().dialogs).toBe(0);
});

for (const status of [401, 407]) {
  test(`a ${status} is answered with credentials in the same dialog-to-be`, async ({ phone, far }) => {
    const [ask, give] =
      status === 401 ? ['WWW-Authenticate', 'authorization'] : ['Proxy-Authenticate', 'proxy-authorization'];
    const uri = `sip:x@127.0.0.1:${far.port}`;
    const call = phone.place(uri, { auth: { username: 'me', password: 'pw' } });
    const bare = await far.request('INVITE');
    far.reply(bare, status, { headers: [`${ask}: Digest realm="r", nonce="n", algorithm=MD5`] });
    await far.request('ACK');

    const again = await far.request('INVITE');
    expect(again.get('call-id')).toBe(bare.get('call-id'));
    expect(again.get('from')).toBe(bare.get('from'));
    expect(cseqOf(again)).toBe(cseqOf(bare) + 1);
    expect(branchOf(again)).not.toBe(branchOf(bare));
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    expect(again.get(give)).toContain(`response="${md5(`${md5('me:r:pw')}:n:${md5(`INVITE:${uri}`)}`)}"`);

    far.answer(again);
    const dialog = await call.dialog;
    expect(cseqOf(await far.request('ACK'))).toBe(cseqOf(again));
    const ended = dialog.destroy();
    const bye = await far.request('BYE');
    expect(cseqOf(bye)).toBe(cseqOf(again) + 1);
    far.reply(bye, 200);
    await ended;
  });
}

test('a request goes to its proxy, whatever its URI says', async ({ phone, far }) => {
  const call = phone.place('sip:x@nowhere.invalid', { proxy: `sip:127.0.0.1:${far.port}` });
  const invite = await far.request('INVITE');
  expect(invite.uri).toBe('sip:x@nowhere.invalid');
  far.reply(invite, 404);
  await call.failure;
});

test('an answer without a Contact is acknowledged and ended by the agent', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.reply(invite, 200, { body: sdp });

  expect((await call.failure).status).toBe(500);
  await far.request('ACK');
  far.reply(await far.request('BYE'), 200);
  await untilIdle(stage.agent);
});

test('an answer without a To tag makes a dialog all the same', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite, { tag: '' });
  const dialog = await call.dialog;
  await far.request('ACK');
  const ended = dialog.destroy();
  far.reply(await far.request('BYE'), 200, { tag: '' });
  await ended;
});
