// `npm start`: prepares the machine, then becomes the supervisor, in the same process: signals and the
// exit code go straight through.
import { build, orExplain, prepare } from './prepare.mjs';

await orExplain(async () => {
  await prepare(process.env.REDIS_URL ? [] : ['redis-server']);
  await build();
});
await import('../dist/shared/embedded/start.js');
