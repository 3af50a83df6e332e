import { demoCredentials } from '@dialstream/dialer/trunk-simulator/digest.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { authorize } from './authorize.js';
import { leavesAnswersToApplication, startAgent } from './agent.js';
import { dial } from './caller.js';
import { RawCaller, type RawInvite, type WireMessage } from './raw-caller.js';
import { startTrunk, type Trunk } from './trunk.js';

let trunk: Trunk;
let caller: RawCaller;

beforeAll(async () => {
  trunk = await startTrunk();
});

beforeEach(async () => {
  caller = await RawCaller.open(trunk.port);
});

afterEach(() => caller.close());

afterAll(() => trunk.stop());

function statusesOf(invite: RawInvite): number[] {
  return caller.of(invite.callId).map(({ status }) => status);
}

/** Acknowledges an answer and accepts the BYE that ends it. */
async function talk(invite: RawInvite, answer: WireMessage): Promise<void> {
  caller.ack(invite, answer);
  caller.accept(await caller.request(invite.callId, 'BYE'));
}

test('93 stays silent, to repeated INVITEs too', async () => {
  const silent = RawCaller.newInvite('+12025550193');
  for (let times = 0; times < 3; times += 1) {
    caller.invite(silent);
    // Answered after the INVITE was read.
    await caller.response(caller.options().callId, 200);
  }
  expect(trunk.simulator.stats()).toMatchObject({ received: 1, active: 1 });
  expect(statusesOf(silent).filter((status) => leavesAnswersToApplication || status !== 100)).toEqual([]);
});

test.runIf(leavesAnswersToApplication)('93 gives a caller nothing to wait for', async () => {
  const agent = await startAgent({ t1: 20 });
  const connection = await agent.connect();
  onTestFinished(async () => {
    connection.close();
    await agent.close();
  });
  const placed = dial(connection, trunk.port, '+12025550193');
  expect(await placed.answer).toMatchObject({ status: 408 });
  expect(placed.provisionals).toEqual([]);
});

test('95 sends a session description with its 183, and the same with its 200', async () => {
  const invite = RawCaller.newInvite('+12025550195');
  caller.invite(invite);
  const progress = await caller.response(invite.callId, 183);
  const answer = await caller.response(invite.callId, 200);
  expect(progress.header('content-type')).toBe('application/sdp');
  expect(progress.body).toMatch(/^v=0\r\n/);
  expect(answer.body).toBe(progress.body);
  expect(answer.header('to')).toBe(progress.header('to'));
  await talk(invite, answer);
});

test('96 challenges, and answers the INVITE that meets the challenge', async () => {
  const first = RawCaller.newInvite('+12025550196');
  caller.invite(first);
  const challenged = await caller.response(first.callId, 407);
  const authorization = authorize({
    challenge: challenged.header('proxy-authenticate'),
    uri: `sip:${first.number}@127.0.0.1:${trunk.port}`,
    ...demoCredentials,
  });
  const second = { ...first, branch: `${first.branch}2`, cseq: 2, authorization };
  caller.invite(second);
  await talk(second, await caller.response(second.callId, 200));
  expect(statusesOf(first)).toContain(180);
});

test.runIf(leavesAnswersToApplication)('97 answers an INVITE that is being cancelled', async () => {
  const invite = RawCaller.newInvite('+12025550197');
  caller.invite(invite);
  await caller.response(invite.callId, 180);
  caller.cancel(invite);
  const answer = await caller.message(invite.callId, isAnswerTo('1 INVITE'));
  await caller.message(invite.callId, isAnswerTo('1 CANCEL'));
  caller.ack(invite, answer);
  caller.bye(invite, answer);
  await caller.message(invite.callId, isAnswerTo('2 BYE'));
  expect(statusesOf(invite)).not.toContain(487);
});

test.skipIf(leavesAnswersToApplication)('97 leaves it to a server that answers a CANCEL itself', async () => {
  const invite = RawCaller.newInvite('+12025550197');
  caller.invite(invite);
  await caller.response(invite.callId, 180);
  caller.cancel(invite);
  await caller.response(invite.callId, 487);
});

test('98 redirects to a number of its own that ends in 00', async () => {
  const invite = RawCaller.newInvite('+12025550198');
  caller.invite(invite);
  const redirect = await caller.response(invite.callId, 302);
  expect(redirect.header('contact')).toBe(`<sip:+12025550100@127.0.0.1:${trunk.port}>`);
});

test('an answer is not hung up before it is acknowledged', async () => {
  const invite = RawCaller.newInvite('+12025550194');
  caller.invite(invite);
  const answer = await caller.response(invite.callId, 200);
  await caller.response(caller.options().callId, 200);
  expect(caller.of(invite.callId).map(({ startLine }) => startLine)).not.toContainEqual(
    expect.stringMatching(/^BYE /),
  );
  await talk(invite, answer);
});

function isAnswerTo(cseq: string): (message: WireMessage) => boolean {
  return (message) => message.status === 200 && message.header('cseq') === cseq;
}
