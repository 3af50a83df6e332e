import { benchClaim } from './claim.js';
import { benchDial } from './dial.js';
import { benchFanout } from './fanout.js';
import { benchLatency } from './latency.js';
import { benchReconnect } from './reconnect.js';

/**
 * `npm run bench [name …]`: prints its figures as JSON lines. Without names all are run.
 * `claim=1000000` stops at a million waiting calls.
 */
const benches: Record<string, (argument: string | undefined) => Promise<void>> = {
  dial: (pace) => benchDial(Number(pace ?? 330)),
  latency: (seconds) => benchLatency(Number(seconds ?? 30)),
  fanout: (subscribers) => benchFanout(subscribers === undefined ? {} : { subscribers: Number(subscribers) }),
  reconnect: (clients) => benchReconnect(Number(clients ?? 5_000)),
  claim: (largest) => benchClaim(Number(largest ?? 10_000_000)),
};

const asked = process.argv.slice(2);
for (const one of asked.length > 0 ? asked : Object.keys(benches)) {
  const [name = '', argument] = one.split('=');
  const bench = benches[name];
  if (bench === undefined)
    throw new Error(`no bench "${name}"; there are ${Object.keys(benches).join(', ')}`);
  await bench(argument);
}
