import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '@dialstream/shared/embedded/waiting.js';
import type { TestProject } from 'vitest/node';
import type { ServicesReady } from './services-process.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** One Postgres and one Redis for the whole run; use the fixtures instead. */
    services: ServicesReady;
  }
}

/** vitest's global setup: starts the services of the run; what it returns stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const script = fileURLToPath(new URL('../dist/test/support/services-process.js', import.meta.url));
  const services = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const exited = once(services, 'exit');
  const failed = exited.then((): never => {
    throw new Error('The Postgres and Redis of the tests did not start; see above');
  });
  failed.catch(() => undefined);
  const message = once(services, 'message') as Promise<[ServicesReady]>;
  const [ready] = await within(90_000, 'test services', Promise.race([message, failed]));
  project.provide('services', ready);
  return async () => {
    services.kill('SIGTERM');
    const [code] = (await within(40_000, 'end of the test services', exited)) as [number | null];
    if (code !== 0) throw new Error(`The test services ended with code ${code}`);
  };
}
