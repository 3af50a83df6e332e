import path from 'node:path';
import { loadConfig, orExit } from '@dialstream/shared/config.js';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';
import { startSipAgent } from './agent.js';

/** Closing waits for no conversation: those are the dialer's to end. */
const closeSeconds = 5;

const config = orExit(loadConfig);
const log = createLog('sip-agent', config.logLevel);
await runUntilSignal(log, closeSeconds, async (defer) => {
  const { host = '127.0.0.1', port, secret } = config.drachtio;
  const agent = await startSipAgent({
    admin: { host, port, secret },
    sip: config.sipBind,
    autoTrying: config.sipAutoTrying,
    log,
    journalFile: path.join(config.dataDir, `sip-agent-${port}.journal`),
  }).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'the SIP agent could not start'}\n`);
    throw error;
  });
  defer(() => agent.close());
  const sip = agent.sip.map((one) => `${one.transport}:${one.host}:${one.port}`);
  log.info({ admin: `${host}:${agent.adminPort}`, sip }, 'listening');
});
