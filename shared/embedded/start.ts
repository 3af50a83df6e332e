import { ConfigError, loadConfig } from '../config.js';
import { runUntilSignal } from '../lifecycle.js';
import { createLog } from '../log.js';
import { startInstallation, stopEverythingMs } from './installation.js';
import { takeDataDir } from './run-files.js';
import { checkAddresses } from './start-checks.js';
import { createSupervisor } from './supervisor.js';

/** The main of `npm start`: everything on one machine, supervised. */
async function main(): Promise<never> {
  const config = loadConfig();
  const log = createLog('supervisor', config.logLevel);
  // What a killed start has left is ended first, for that holds our ports.
  const runFiles = await takeDataDir(config.dataDir, log);
  try {
    await checkAddresses(config);
  } catch (error) {
    await runFiles.release();
    throw error;
  }
  return runUntilSignal(log, config.drainSeconds + stopEverythingMs / 1000, async (defer) => {
    defer(() => runFiles.release());
    const supervisor = createSupervisor(log);
    defer(() => supervisor.stop());
    const { baseUrl, adminKey } = await startInstallation({
      config,
      add: (part) => supervisor.add(part),
      pidFile: (name) => runFiles.pidFile(name),
      log,
    });
    process.stdout.write(`ready ${baseUrl} key=${adminKey}\n`);
  });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  // Faults of the environment are for whoever typed it: plain lines, before anything was started.
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
