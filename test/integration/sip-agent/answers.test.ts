import { branchOf, cseqOf, tagOf } from './support/messages.js';
import { expect, test, untilIdle } from './support/fixtures.js';

test('an answer of another fork is acknowledged and ended by the agent, the first one stands', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite, { tag: 'first' });
  const dialog = await call.dialog;
  const ack = await far.request('ACK');
  expect(tagOf(ack.get('to'))).toBe('first');

  far.answer(invite, { tag: 'second' });
  const other = await far.request('ACK');
  expect(tagOf(other.get('to'))).toBe('second');
  expect(cseqOf(other)).toBe(cseqOf(invite));
  const bye = await far.request('BYE');
  expect(tagOf(bye.get('to'))).toBe('second');
  far.reply(bye, 200);

  // Again, because the ACK was lost: no second BYE.
  far.answer(invite, { tag: 'second' });
  await far.repeated(other);
  await far.barrier();
  expect(new Set(byesOf(far)).size).toBe(1);

  expect(dialog.connected).toBe(true);
  expect(stage.agent.stats().dialogs).toBe(1);
  const ended = dialog.destroy();
  const last = await far.request('BYE');
  expect(tagOf(last.get('to'))).toBe('first');
  far.reply(last, 200);
  await ended;
});

test('provisionals of several forks lead to the dialog of the one that answers', async ({ phone, far }) => {
  const heard: string[] = [];
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`, {
    onProvisional: (response) => heard.push(tagOf(response.get('to') ?? '')),
  });
  const invite = await far.request('INVITE');
  far.reply(invite, 180, { tag: 'a' });
  far.reply(invite, 183, { tag: 'b' });
  far.answer(invite, { tag: 'c' });

  const dialog = await call.dialog;
  expect(heard).toEqual(['a', 'b']);
  expect(dialog.sip.remoteTag).toBe('c');
  expect(tagOf((await far.request('ACK')).get('to'))).toBe('c');
});

test('an answer that comes after the INVITE was given up is acknowledged and ended', async ({
  phone,
  far,
  stage,
}) => {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  expect((await call.failure).status).toBe(408);
  await untilIdle(stage.agent);

  far.answer(invite);
  const ack = await far.request('ACK');
  expect([ack.get('call-id'), ack.get('from')]).toEqual([invite.get('call-id'), invite.get('from')]);
  const bye = await far.request('BYE');
  expect(cseqOf(bye)).toBeGreaterThan(cseqOf(invite));
  expect(branchOf(bye)).not.toBe(branchOf(ack));
  far.reply(bye, 200);
  await untilIdle(stage.agent);
});

test('what belongs to nobody is dropped: a stray failure, a stray provisional, an answer to a BYE', async ({
  far,
  stage,
}) => {
  const call = far.out('INVITE', { via: 'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnobody' });
  const asResponse = (status: string, method: string): string =>
    call.replace(/^INVITE .*/, `SIP/2.0 ${status} X`).replace('1 INVITE', `1 ${method}`);
  far.send(asResponse('486', 'INVITE'));
  far.send(asResponse('180', 'INVITE'));
  far.send(asResponse('200', 'BYE'));
  await far.barrier();
  expect(far.seen).toHaveLength(1);
  expect(stage.agent.stats()).toMatchObject({ dialogs: 0, invites: 0, clientTransactions: 0 });
});

function byesOf(far: { seen: readonly { method: string; text: string }[] }): string[] {
  return far.seen.filter(({ method }) => method === 'BYE').map(({ text }) => text);
}
