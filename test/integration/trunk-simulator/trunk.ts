import type { DrachtioConnection } from '@dialstream/dialer/sip/drachtio.js';
import { startTrunkSimulator, type TrunkSimulator } from '@dialstream/dialer/trunk-simulator/simulator.js';
import { log, startAgent, type TestAgent } from './agent.js';

/** The demo trunk on an agent of its own. */
export interface Trunk {
  port: number;
  simulator: TrunkSimulator;
  agent: TestAgent;
  connection: DrachtioConnection;
  stop(): Promise<void>;
}

/** `speed`: so many times as fast as life. */
export async function startTrunk({ speed = 50 }: { speed?: number } = {}): Promise<Trunk> {
  const agent = await startAgent();
  const connection = await agent.connect();
  const simulator = startTrunkSimulator({ connection, log, speed, random: seeded(1) });
  return {
    port: agent.sipPort,
    simulator,
    agent,
    connection,
    async stop() {
      await simulator.stop();
      if (connection.isConnected()) connection.close();
      await agent.close();
    },
  };
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
