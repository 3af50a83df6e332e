import { startSipAgent, type SipAgent, type SipAgentOptions } from '@dialstream/dialer/sip-agent/agent.js';
import { createLog } from '@dialstream/shared/log.js';
import { test as base } from 'vitest';
import { tcpFarEnd, tcpListener, udpFarEnd, type FarEnd } from './far-end.js';
import { connectPhone, type Phone } from './phone.js';

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest';

export const log = createLog('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');
export const secret = 'the secret';

/** RFC 3261's timers fifty times faster: 64*T1 is 640 ms. */
export const fast = { t1: 10, t2: 80, t4: 100, c: 30_000 };

export interface Stage {
  agent: SipAgent;
  udpPort: number;
  tcpPort: number;
  /** Another drachtio-srf on the same agent. */
  connect(): Promise<Phone>;
  udp(): Promise<FarEnd>;
  tcp(): Promise<Awaited<ReturnType<typeof tcpFarEnd>>>;
  tcpServer(): Promise<Awaited<ReturnType<typeof tcpListener>>>;
}

export type StageOptions = Partial<Omit<SipAgentOptions, 'log' | 'admin'>>;

export async function startAgent({
  adminPort = 0,
  ...options
}: StageOptions & { adminPort?: number } = {}): Promise<SipAgent> {
  return startSipAgent({
    admin: { host: '127.0.0.1', port: adminPort, secret },
    sip: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    timers: fast,
    log,
    ...options,
  });
}

export function portOf(agent: SipAgent, transport: 'udp' | 'tcp'): number {
  return agent.sip.find((address) => address.transport === transport)?.port ?? 0;
}

/** `options` for the agent, the `stage` with it, a `phone` on it and a `far` end over UDP. */
export const test = base
  .extend('options', {} as StageOptions)
  .extend('stage', async ({ options }, { onCleanup }): Promise<Stage> => {
    const closing: (() => unknown)[] = [];
    onCleanup(async () => {
      for (const close of closing.toReversed()) await close();
    });
    const agent = await startAgent(options);
    closing.push(() => agent.close());
    const udpPort = portOf(agent, 'udp');
    const tcpPort = portOf(agent, 'tcp');
    const kept = async <T extends { close(): unknown }>(made: Promise<T>): Promise<T> => {
      const one = await made;
      closing.push(() => one.close());
      return one;
    };
    return {
      agent,
      udpPort,
      tcpPort,
      async connect() {
        const phone = await connectPhone(agent.adminPort, secret);
        closing.push(() => phone.drop());
        return phone;
      },
      udp: () => kept(udpFarEnd(udpPort)),
      tcp: () => kept(tcpFarEnd(tcpPort)),
      tcpServer: () => kept(tcpListener(tcpPort)),
    };
  })
  .extend('phone', ({ stage }) => stage.connect())
  .extend('far', ({ stage }) => stage.udp());

/** Waits until the agent holds nothing any more but its clients. */
export async function untilIdle(agent: SipAgent): Promise<void> {
  await until(
    () => {
      const { clientTransactions, serverTransactions, invites, incoming, dialogs } = agent.stats();
      return clientTransactions + serverTransactions + invites + incoming + dialogs === 0;
    },
    () => JSON.stringify(agent.stats()),
  );
}

export async function until(holds: () => boolean, what: () => string): Promise<void> {
  const end = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it never came to be: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
