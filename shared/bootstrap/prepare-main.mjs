// Runs before one process alone (`npm run server` and so on): nothing of Debian is needed for those.
import { build, orExplain, prepare } from './prepare.mjs';

await orExplain(async () => {
  await prepare([]);
  await build();
});
