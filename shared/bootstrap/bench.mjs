// `npm run bench`: prepares the machine, then runs the benchmarks in the same process.
import { build, orExplain, prepare } from './prepare.mjs';

await orExplain(async () => {
  await prepare(['redis-server', 'sipp']);
  await build();
});
await import('../../test/dist/test/bench/main.js');
