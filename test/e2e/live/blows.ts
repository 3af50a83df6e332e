import { pick } from '../../support/seeded-random.js';
import type { Scene } from './scene.js';

const blows = ['first server', 'second server', 'both servers', 'redis', 'writer'] as const;

/** Milliseconds that some hundred events may take while half of the house is down. */
const patienceMs = 60_000;

/** Kills one part after the other, and starts it again, until so many events were committed. Gives what it did. */
export async function strikeUntil(events: number, scene: Scene, random: () => number): Promise<string[]> {
  const done: string[] = [];
  for (let count = 700; count < events - 400; count += 900) {
    await scene.committed(count, patienceMs);
    // Each of them at least twice, then as it comes.
    const blow =
      blows[done.length < 2 * blows.length ? done.length % blows.length : -1] ?? pick(blows, random);
    done.push(blow);
    await strike(blow, scene);
  }
  await scene.committed(events, patienceMs);
  return done;
}

async function strike(blow: (typeof blows)[number], scene: Scene): Promise<void> {
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
  }
}
