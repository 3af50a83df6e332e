import path from 'node:path';
import type { Config } from '../config.js';
import { keptPort } from './ports.js';
import { keptSecret } from './kept-secret.js';

/** Where the simulated carrier of the demo stands: a SIP agent of its own, with the simulator as its client. */
export interface DemoTrunk {
  host: string;
  /** Its SIP port, UDP and TCP. */
  port: number;
  /** The environment of both its agent and its simulator. */
  env: Record<string, string>;
}

const host = '127.0.0.1';

/** Media ports of the simulator: two pools of numbers, so that one is outside of the dialer's RTP_PORTS. */
const rtpRanges = [
  { first: 30_000, last: 31_999 },
  { first: 10_000, last: 11_999 },
] as const;

/** Finds the demo trunk's place, the same one as at the last start where its ports are still free. */
export async function placeDemoTrunk({ dataDir, rtp }: Config): Promise<DemoTrunk> {
  const port = await keptPort(path.join(dataDir, 'demo-sip-port'));
  const adminPort = await keptPort(path.join(dataDir, 'demo-admin-port'));
  const secret = await keptSecret(dataDir, 'demo-secret', '');
  const range =
    rtpRanges.find(({ first, last }) => last < rtp.firstPort || first > rtp.lastPort) ?? rtpRanges[0];
  return {
    host,
    port,
    env: {
      DRACHTIO_HOST: host,
      DRACHTIO_PORT: String(adminPort),
      DRACHTIO_SECRET: secret,
      SIP_BIND: `udp:${host}:${port},tcp:${host}:${port}`,
      RTP_HOST: host,
      RTP_PORTS: `${range.first}-${range.last}`,
      // Numbers ending in 93 get no reply at all.
      SIP_AUTO_TRYING: '0',
      // A simulated carrier may hang up at once.
      DRAIN_SECONDS: '0',
    },
  };
}
