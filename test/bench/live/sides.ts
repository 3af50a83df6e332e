import type { BareAnswers } from './bare-process.js';
import type { OwnUse, Start } from './child.js';
import { startCrowd, type Crowd } from './crowd.js';
import type { Pace } from './events.js';
import type { GatewayAnswers } from './gateway-process.js';
import type { PublisherAnswers } from './publisher-process.js';
import type { Transport } from './raw-stream.js';
import type { Stores } from './stores.js';

export const sideNames = ['dialstream', 'bare'] as const;
export type SideName = (typeof sideNames)[number];

/** A server with its subscribers: ours, or the bare one. */
export interface Side {
  name: SideName;
  crowd: Crowd;
  /** Bytes that its subscribers have added to the process. */
  memory: number;
  use(): Promise<OwnUse>;
  /** Sends events. Gives their number, and what the server had used when the first was sent. */
  run(pace: Pace): Promise<{ events: number; before: OwnUse }>;
  /** When each event of the last run was published. */
  stamps(): Promise<[id: string, micros: number][]>;
}

export interface Subscribers {
  transport: Transport;
  subscribers: number;
}

/** The gateway in one process; in another one, changes are committed and their events published. */
export async function startOurs(start: Start, stores: Stores, who: Subscribers): Promise<Side> {
  const gateway = await start<GatewayAnswers>('gateway-process');
  const publisher = await start<PublisherAnswers>('publisher-process');
  const port = await gateway.ask('start', { ...stores.urls, port: 0 });
  await publisher.ask('start', stores.urls);
  const use = (collect = false): Promise<OwnUse> => gateway.ask('use', { collect });
  return {
    name: 'dialstream',
    use,
    ...(await connectCrowd(start, stores, who, port, use)),
    async run(pace) {
      const before = await use();
      return { events: await publisher.ask('run', { ...stores.campaign, pace }), before };
    },
    stamps: () => publisher.ask('stamps', undefined),
  };
}

/** One process that makes its events itself: that costs less than to get them from anywhere. */
export async function startBare(start: Start, stores: Stores, who: Subscribers): Promise<Side> {
  const bare = await start<BareAnswers>('bare-process');
  const port = await bare.ask('start', who.transport);
  const use = (collect = false): Promise<OwnUse> => bare.ask('use', { collect });
  return {
    name: 'bare',
    use,
    ...(await connectCrowd(start, stores, who, port, use)),
    run: (pace) => bare.ask('run', { ...stores.campaign, pace }),
    stamps: () => bare.ask('stamps', undefined),
  };
}

async function connectCrowd(
  start: Start,
  { topic, token }: Stores,
  { transport, subscribers }: Subscribers,
  port: number,
  use: (collect: boolean) => Promise<OwnUse>,
): Promise<Pick<Side, 'crowd' | 'memory'>> {
  const before = await use(true);
  const crowd = await startCrowd(start, { transport, port, token, topic }, subscribers);
  const after = await use(true);
  return { crowd, memory: after.memory - before.memory };
}
