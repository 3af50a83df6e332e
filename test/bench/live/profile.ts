import fs from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

let session: Session | undefined;

/** Profiles this process from now on; with `file`, writes there what was profiled since, and ends it. */
export async function ownProfile({ file }: { file?: string }): Promise<void> {
  if (file === undefined) {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
  } else {
    const result = await session?.post('Profiler.stop');
    await fs.writeFile(file, JSON.stringify(result?.profile));
    session?.disconnect();
  }
}
