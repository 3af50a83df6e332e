import { branchOf, cseqOf, tagOf } from './support/messages.js';
import { expect, test, untilIdle } from './support/fixtures.js';

test('a CANCEL after a provisional goes out at once, on the branch of its INVITE', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const sent = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();
  sent.cancel(() => {});

  const cancel = await far.request('CANCEL');
  expect(branchOf(cancel)).toBe(branchOf(invite));
  expect(cancel.uri).toBe(invite.uri);
  expect(cancel.get('call-id')).toBe(invite.get('call-id'));
  expect(cancel.get('to')).toBe(invite.get('to'));
  expect(cancel.get('from')).toBe(invite.get('from'));
  expect(cseqOf(cancel)).toBe(cseqOf(invite));
  far.reply(cancel, 200);
  far.reply(invite, 487);
  expect((await call.failure).status).toBe(487);
  expect(tagOf((await far.request('ACK')).get('to'))).toBe('far');
  await untilIdle(stage.agent);
});

test('a CANCEL before any provisional waits for one', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  (await call.sent).cancel(() => {});
  const invite = await far.request('INVITE');
  await far.repeated(invite);
  expect(far.seen.filter(({ method }) => method === 'CANCEL')).toEqual([]);

  far.reply(invite, 100);
  far.reply(await far.request('CANCEL'), 200);
  far.reply(invite, 487);
  expect((await call.failure).status).toBe(487);
});

test('a CANCEL that no provisional comes for ends with the 408 of its INVITE', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  (await call.sent).cancel(() => {});
  expect((await call.failure).status).toBe(408);
  expect(far.seen.filter(({ method }) => method === 'CANCEL')).toEqual([]);
});

test('a CANCEL carries the reason that its application gives', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const { stackTxnId } = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();
  phone.srf.request(
    'sip:placeholder',
    { method: 'CANCEL', stackTxnId, headers: { Reason: 'SIP;cause=200' } },
    () => {},
  );

  expect((await far.request('CANCEL')).get('reason')).toBe('SIP;cause=200');
  far.reply(invite, 487);
  await call.failure;
});

test('an answer that crosses the CANCEL reaches the application, and is ended at once', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const sent = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();
  sent.cancel(() => {});
  const cancel = await far.request('CANCEL');
  far.answer(invite);
  far.reply(cancel, 481);

  const dialog = await call.dialog;
  await far.request('ACK');
  const bye = await far.request('BYE');
  expect(bye.get('reason')).toContain('cancel race');
  // The application may hang up as well.
  const hungUp = dialog.connected ? dialog.destroy() : undefined;
  far.reply(bye, 200);
  await hungUp;
  await untilIdle(stage.agent);
  expect(far.seen.filter(({ method }) => method === 'BYE').every(({ text }) => text === bye.text)).toBe(true);
});

test('a cancelled INVITE that is never ended counts as ended', async ({ phone, far, stage }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const sent = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();
  sent.cancel(() => {});
  far.reply(await far.request('CANCEL'), 200);

  expect((await call.failure).status).toBe(487);
  await untilIdle(stage.agent);

  // Should it be answered after all, nobody is left on the line.
  far.answer(invite);
  await far.request('ACK');
  far.reply(await far.request('BYE'), 200);
});

test('a CANCEL without answer is sent again', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const sent = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();
  sent.cancel(() => {});
  await far.repeated(await far.request('CANCEL'));
  far.reply(invite, 487);
  expect((await call.failure).status).toBe(487);
});

test('any client may cancel by the transaction id', async ({ phone, far, stage }) => {
  const other = await stage.connect();
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const { stackTxnId } = await call.sent;
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  await far.barrier();

  other.srf.request('sip:placeholder', { method: 'CANCEL', stackTxnId }, () => {});

  await far.request('CANCEL');
  far.reply(invite, 487);
  expect((await call.failure).status).toBe(487);
});

test('a CANCEL of what is over or never was is refused', async ({ phone, far }) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const { stackTxnId } = await call.sent;
  far.reply(await far.request('INVITE'), 486);
  await call.failure;

  for (const txnId of [stackTxnId, 'never-was']) {
    await expect(phone.send('sip:placeholder', { method: 'CANCEL', stackTxnId: txnId })).rejects.toThrow(
      'unable to cancel unknown transaction id',
    );
  }
});
