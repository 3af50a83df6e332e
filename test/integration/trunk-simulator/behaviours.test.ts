import type { DrachtioConnection } from '@dialstream/dialer/sip/drachtio.js';
import { demoCredentials } from '@dialstream/dialer/trunk-simulator/digest.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answerOf, dial, type DialOptions, type PlacedCall } from './caller.js';
import { offer } from './raw-caller.js';
import { startAgent, type TestAgent } from './agent.js';
import { startTrunk, type Trunk } from './trunk.js';

let trunk: Trunk;
let callerAgent: TestAgent;
let connection: DrachtioConnection;

beforeAll(async () => {
  trunk = await startTrunk();
  callerAgent = await startAgent();
  connection = await callerAgent.connect();
});

afterEach(async () => {
  await until(() => trunk.simulator.stats().active === 0, { withinMs: 5_000, what: 'no call left' });
});

afterAll(async () => {
  connection.close();
  await callerAgent.close();
  await trunk.stop();
});

function call(ending: string, options?: DialOptions): PlacedCall {
  return dial(connection, trunk.port, `+120255501${ending}`, options);
}

test.each(['00', '37', '59'])('%s rings, answers, talks and hangs up', async (ending) => {
  const placed = call(ending);
  const answer = await answerOf(placed);
  expect(placed.provisionals).toEqual([180]);
  expect(answer.sdp).toMatch(/^m=audio 30000 RTP\/AVP 8 101\r$/m);
  await answer.hungUp;
});

test.each([
  ['60', 486],
  ['69', 486],
  ['80', 480],
  ['84', 480],
  ['85', 404],
  ['87', 404],
  ['88', 603],
  ['89', 603],
  ['90', 503],
  ['92', 503],
])('%s is refused with %i', async (ending, status) => {
  const placed = call(ending);
  expect(await placed.answer).toMatchObject({ status });
  expect(placed.provisionals).toEqual([]);
});

test.each(['70', '79'])('%s rings until the caller gives up', async (ending) => {
  const placed = call(ending);
  await placed.progress;
  placed.cancel();
  expect(await placed.answer).toMatchObject({ status: 487 });
  expect(placed.provisionals).toEqual([180]);
});

test('94 answers and hangs up at once', async () => {
  const placed = call('94');
  await (
    await answerOf(placed)
  ).hungUp;
  expect(placed.provisionals).toEqual([]);
});

test('95 sends early media before it answers', async () => {
  const placed = call('95');
  const progress = await placed.progress;
  expect(progress.status).toBe(183);
  const answer = await answerOf(placed);
  expect(answer.sdp).toBe(progress.body);
  await answer.hungUp;
});

test('96 answers a caller with credentials', async () => {
  const placed = call('96', { auth: demoCredentials });
  await (
    await answerOf(placed)
  ).hungUp;
  expect(placed.provisionals).toEqual([180]);
});

test('96 asks a caller without credentials for them', async () => {
  const answer = await call('96').answer;
  expect(answer).toMatchObject({ status: 407 });
});

test('96 refuses wrong credentials', async () => {
  const placed = call('96', { auth: { username: 'demo', password: 'wrong' } });
  expect(await placed.answer).toMatchObject({ status: 403 });
});

test('97 leaves no conversation to a caller whose CANCEL crosses the answer', async () => {
  const placed = call('97');
  await placed.progress;
  placed.cancel();
  const answer = await placed.answer;
  // Its SIP server ends the dialog by itself, or tells the caller of it.
  if ('dialog' in answer) await answer.dialog.destroy().catch(() => {});
  else expect(answer.status).toBe(487);
});

test('98 names a number that answers', async () => {
  const answer = await call('98').answer;
  if ('dialog' in answer) throw new Error('98 has answered');
  expect(answer.status).toBe(302);
  expect(answer.response?.get('contact')).toBe(`<sip:+12025550100@127.0.0.1:${trunk.port}>`);
});

test('98 leads a caller that follows to an answer', async () => {
  const placed = call('98', { followRedirects: true });
  await (
    await answerOf(placed)
  ).hungUp;
});

test('99 answers as a machine does, without ringing', async () => {
  const placed = call('99');
  await (
    await answerOf(placed)
  ).hungUp;
  expect(placed.provisionals).toEqual([]);
});

test.each(['1', 'reception', '+1x'])('%s is no number of the trunk', async (number) => {
  expect(await dial(connection, trunk.port, number).answer).toMatchObject({ status: 404 });
});

test.each(['00', '95', '97', '99'])('%s refuses an offer without G.711', async (ending) => {
  const placed = call(ending, { sdp: offer.replace('RTP/AVP 8 0 101', 'RTP/AVP 18 101') });
  expect(await placed.answer).toMatchObject({ status: 488 });
});

test('a caller may hang up first', async () => {
  const { dialog } = await answerOf(call('99'));
  await dialog.destroy();
});

test('OPTIONS is answered', async () => {
  const status = await new Promise<number>((resolve, reject) => {
    connection.stack.request(`sip:127.0.0.1:${trunk.port}`, { method: 'OPTIONS' }, (error, request) => {
      if (error) reject(error);
      else request.on('response', (response) => resolve(response.status));
    });
  });
  expect(status).toBe(200);
});
