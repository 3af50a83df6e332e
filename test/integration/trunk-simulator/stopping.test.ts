import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programs } from '@dialstream/shared/embedded/programs.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startAgent, type TestAgent } from './agent.js';
import { RawCaller } from './raw-caller.js';
import { startTrunk } from './trunk.js';

/** Slow enough for a call not to end by itself while it is looked at. */
const slow = { speed: 0.01 };

const talking = RawCaller.newInvite('+12025550199');
const ringing = RawCaller.newInvite('+12025550170');

let agent: TestAgent;

beforeEach(async () => {
  agent = await startAgent();
  return () => agent.close();
});

async function openCaller(port: number): Promise<RawCaller> {
  const caller = await RawCaller.open(port);
  onTestFinished(() => caller.close());
  return caller;
}

/** One call that is up and one that rings. */
async function makeCalls(caller: RawCaller): Promise<void> {
  caller.invite(talking);
  caller.ack(talking, await caller.response(talking.callId, 200));
  caller.invite(ringing);
  await caller.response(ringing.callId, 180);
}

/** The trunk ends both calls properly. */
async function expectEnds(caller: RawCaller): Promise<void> {
  caller.accept(await caller.request(talking.callId, 'BYE'));
  await caller.response(ringing.callId, 503);
}

test('a simulator that stops hangs up what is up and refuses what rings', async () => {
  const trunk = await startTrunk(slow);
  onTestFinished(() => trunk.stop());
  const caller = await openCaller(trunk.port);
  await makeCalls(caller);
  expect(trunk.simulator.stats()).toEqual({ received: 2, active: 2, answered: 0, canceled: 0 });
  const stopped = trunk.simulator.stop();
  await expectEnds(caller);
  await stopped;
  expect(trunk.simulator.stats()).toEqual({ received: 2, active: 0, answered: 1, canceled: 0 });
  const late = RawCaller.newInvite('+12025550100');
  caller.invite(late);
  await caller.response(late.callId, 503);
});

test('a simulator whose SIP server dies forgets its calls', async () => {
  const trunk = await startTrunk(slow);
  onTestFinished(() => trunk.stop());
  const caller = await openCaller(trunk.port);
  await makeCalls(caller);
  // Unless it is killed, the server ends the calls of its applications.
  void caller.request(talking.callId, 'BYE').then((bye) => caller.accept(bye));
  await trunk.agent.close();
  await until(() => trunk.simulator.stats().active === 0, { withinMs: 5_000, what: 'no call left' });
});

test('the process hangs up on SIGTERM and ends with code 0', async () => {
  const { child, exited, caller } = await startProcess();
  await makeCalls(caller);
  child.kill('SIGTERM');
  await expectEnds(caller);
  expect(await exited).toEqual([0, null]);
});

test('the process ends with code 0 though its SIP server has gone', async () => {
  const { child, exited } = await startProcess();
  const warned = once(child.stdout, 'data');
  await agent.close();
  expect(String(await warned)).toContain('the connection to drachtio is lost');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

/** The simulator's process, when calls reach it. */
async function startProcess() {
  const child = spawn(process.execPath, [programs.trunkSimulator], {
    env: environmentFor(agent),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const caller = await openCaller(agent.sipPort);
  await until(() => isReached(caller), { withinMs: 10_000, what: 'the trunk takes calls' });
  return { child, exited, caller };
}

function environmentFor({ host, adminPort, secret }: TestAgent): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DRACHTIO_HOST: host,
    DRACHTIO_PORT: String(adminPort),
    DRACHTIO_SECRET: secret,
    LOG_LEVEL: 'warn',
  };
}

/** Whether a call has reached the simulator and not only its agent; calls again. */
function isReached(caller: RawCaller): boolean {
  caller.invite(RawCaller.newInvite('+12025550160'));
  return caller.received.some(({ status }) => status === 486);
}

test('a wrong environment is named and ends the process with code 1', async () => {
  const child = spawn(process.execPath, [programs.trunkSimulator], {
    env: { ...process.env, DRACHTIO_PORT: 'many' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(text).toContain('DRACHTIO_PORT');
});
