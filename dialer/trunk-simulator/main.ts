import { ConfigError, loadConfig, type Config } from '@dialstream/shared/config.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';
import { connectDrachtio } from '../sip/drachtio.js';
import { startTrunkSimulator } from './simulator.js';

const config = readConfig();
const log = createLog('trunk-simulator', config.logLevel);

await runUntilSignal(log, config.drainSeconds, async (defer) => {
  const { host = '127.0.0.1', port, secret } = config.drachtio;
  const connection = await connectDrachtio({ host, port, secret, log });
  // drachtio-srf throws when there is no connection to end.
  defer(() => connection.isConnected() && connection.close());
  const simulator = startTrunkSimulator({
    connection,
    log,
    rtp: { host: config.rtp.host, port: config.rtp.firstPort },
  });
  defer(() => simulator.stop());
  log.info('the demo trunk takes calls');
});

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}
