import { ConfigError, loadConfig, type Config } from '../config.js';
import { runUntilSignal } from '../lifecycle.js';
import { createLog, type Log } from '../log.js';
import { startInstallation, stopEverythingMs } from './installation.js';
import { takeDataDir, type RunFiles } from './run-files.js';
import { checkAddresses } from './start-checks.js';
import { createSupervisor } from './supervisor.js';

/** The main of `npm start`: everything on one machine, supervised. */
async function main(): Promise<never> {
  const config = loadConfig();
  const log = createLog('supervisor', config.logLevel);
  const runFiles = await takePlace(config, log);
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

/** Takes the data directory and finds the ports free, or throws a {@link ConfigError} that names every fault. */
async function takePlace(config: Config, log: Log): Promise<RunFiles> {
  // What a killed start has left is ended before we look at the ports, for it holds them.
  const [taken] = await Promise.allSettled([takeDataDir(config.dataDir, log)]);
  const [checked] = await Promise.allSettled([checkAddresses(config)]);
  if (taken.status === 'fulfilled' && checked.status === 'fulfilled') return taken.value;
  if (taken.status === 'fulfilled') await taken.value.release();
  const faults = [taken, checked].flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const others = faults.filter((fault) => !(fault instanceof ConfigError));
  if (others.length > 0) throw others[0];
  throw new ConfigError(faults.map((fault: ConfigError) => fault.message).join('\n'));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  // Faults of the environment are for whoever typed it: plain lines, before anything was started.
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
