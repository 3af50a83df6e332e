import { loadConfig, orExit } from '@dialstream/shared/config.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';
import { connectDrachtio } from '../sip/drachtio.js';
import { startTrunkSimulator } from './simulator.js';

const config = orExit(loadConfig);
const log = createLog('trunk-simulator', config.logLevel);

await runUntilSignal(log, config.drainSeconds, async (defer) => {
  const { host = '127.0.0.1', port, secret } = config.drachtio;
  const connection = await connectDrachtio({ host, port, secret, log });
  defer(() => connection.close());
  const simulator = startTrunkSimulator({
    connection,
    log,
    rtp: { host: config.rtp.host, port: config.rtp.firstPort },
  });
  defer(() => simulator.stop());
  log.info('the demo trunk takes calls');
});
