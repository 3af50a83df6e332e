import { connectDrachtio } from '@dialstream/dialer/sip/drachtio.js';
import { offerSdp } from '@dialstream/dialer/media/sdp.js';
import { createLog } from '@dialstream/shared/log.js';

/**
 * The bare loop that `dial` is measured against, as a process of its own: drachtio-srf placing the same calls
 * through the same agent, with no records, no events and no limits but the number of calls open at once.
 * Arguments: admin port, secret, far end's port, calls at once, seconds, seconds to hold.
 */
const [adminPort, secret = '', farPort, atOnce, seconds, holdSeconds] = process.argv.slice(2);
const log = createLog('bare-srf', 'warn');
const connection = await connectDrachtio({ host: '127.0.0.1', port: Number(adminPort), secret, log });
const sdp = offerSdp('127.0.0.1', 20_000, ['PCMU', 'PCMA'], 1);
const until = performance.now() + Number(seconds) * 1_000;
let placed = 0;
let failed = 0;

async function placeOne(): Promise<void> {
  placed += 1;
  const number = `+1202${String(5_550_000 + (placed % 9_000)).padStart(7, '0')}`;
  try {
    const dialog = await connection.stack.createUAC(
      `sip:${number}@127.0.0.1:${farPort}`,
      { headers: { From: '<sip:bare@127.0.0.1>' }, localSdp: sdp },
      { cbRequest() {}, cbProvisional() {} },
    );
    await new Promise((resolve) => setTimeout(resolve, Number(holdSeconds) * 1_000));
    await dialog.destroy();
  } catch (error) {
    failed += 1;
    log.warn({ err: error }, 'a call failed');
  }
}

const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (performance.now() < until) await placeOne();
  }),
);
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(
  `${JSON.stringify({
    placed,
    failed,
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
  })}\n`,
);
connection.close();
process.exit(0);
