import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from '../../support/seeded-random.js';
import type { Scene } from './scene.js';

const blows = ['first server', 'redis', 'writer', 'both servers', 'redis hangs', 'second server'] as const;
type Blow = (typeof blows)[number];

/** Each blow twice, in the order of the list and then as it comes. */
const count = 2 * blows.length;
/** Milliseconds that some hundred events may take while half of the house is down. */
const patienceMs = 60_000;
/** Longer than anybody waits for a command: whether it was done is then unknown. */
const hangMs = 5_500;

/** Kills one part after the other, and starts it again, while so many events are committed. */
export async function strikeUntil(events: number, scene: Scene, random: () => number): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    await scene.committed((n * events) / (count + 1), patienceMs);
    await strike(blows[n - 1] ?? pick(blows, random), scene);
  }
  await scene.committed(events, patienceMs);
}

async function strike(blow: Blow, scene: Scene): Promise<void> {
  const [first, second] = scene.servers;
  const [writer] = scene.writers;
  if (first === undefined || second === undefined || writer === undefined)
    throw new Error('nobody to strike');
  switch (blow) {
    case 'first server':
      return first.restart();
    case 'second server':
      return second.restart();
    case 'both servers':
      await Promise.all([first.restart(), second.restart()]);
      return;
    case 'writer':
      return writer.restart();
    case 'redis':
      await scene.redisServer.kill();
      // Changes go on, and wait in Postgres.
      await scene.moreCommitted(150, patienceMs);
      return scene.redisServer.startAgain();
    case 'redis hangs': {
      const { goOn } = scene.redisServer.hang();
      await sleep(hangMs);
      return goOn();
    }
  }
}
