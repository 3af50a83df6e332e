import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectDrachtio, type DrachtioConnection } from '@dialstream/dialer/sip/drachtio.js';
import { startSipAgent } from '@dialstream/dialer/sip-agent/agent.js';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { createLog } from '@dialstream/shared/log.js';

export const log = createLog('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

/** A SIP agent that a test may talk to. */
export interface TestAgent {
  host: string;
  adminPort: number;
  sipPort: number;
  secret: string;
  connect(): Promise<DrachtioConnection>;
  close(): Promise<void>;
}

export interface TestAgentOptions {
  /** RFC 3261's T1, ms; shortens every wait of the embedded agent. */
  t1?: number;
}

/** A drachtio-server to run the tests against in place of the embedded agent: the path of its program. */
const realServer = process.env['DRACHTIO_SERVER'];

/** drachtio-server answers an INVITE with 100 and a cancelled one with 487, whatever the application wants. */
export const leavesAnswersToApplication = realServer === undefined;

/** Starts a SIP agent on free loopback ports that leaves 100 Trying to its application, if it can. */
export async function startAgent({ t1 = 500 }: TestAgentOptions = {}): Promise<TestAgent> {
  const place = {
    host: '127.0.0.1',
    adminPort: await freePort(),
    sipPort: await freePort(),
    secret: 'secret',
  };
  const { host, adminPort, sipPort, secret } = place;
  const close = realServer ? await spawnServer(realServer, place) : await startEmbedded(place, t1);
  let closed: Promise<void> | undefined;
  const closeOnce = () => (closed ??= close());
  const connect = () => connectDrachtio({ host, port: adminPort, secret, log });
  return { host, adminPort, sipPort, secret, connect, close: closeOnce };
}

type Place = Pick<TestAgent, 'host' | 'adminPort' | 'sipPort' | 'secret'>;

async function startEmbedded({ host, adminPort, sipPort, secret }: Place, t1: number) {
  const agent = await startSipAgent({
    admin: { host, port: adminPort, secret },
    sip: [
      { transport: 'udp', host, port: sipPort },
      { transport: 'tcp', host, port: sipPort },
    ],
    autoTrying: false,
    timers: { t1 },
    log,
  });
  return () => agent.close();
}

async function spawnServer(program: string, { host, adminPort, sipPort, secret }: Place) {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-drachtio-'));
  const file = path.join(dir, 'drachtio.conf.xml');
  const contact = `sip:${host}:${sipPort};transport=udp,tcp`;
  await fs.writeFile(
    file,
    `<drachtio>
      <admin port="${adminPort}" secret="${secret}">${host}</admin>
      <sip><contacts><contact>${contact}</contact></contacts><udp-mtu>4096</udp-mtu></sip>
      <logging><console/><loglevel>error</loglevel></logging>
    </drachtio>`,
  );
  const child = spawn(program, ['-f', file], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  return async () => {
    child.kill('SIGKILL');
    await exited;
    await fs.rm(dir, { recursive: true, force: true });
  };
}
