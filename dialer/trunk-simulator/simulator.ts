import { maskPhone, type Log } from '@dialstream/shared/log.js';
import type { DrachtioConnection, ReceivedRequest } from '../sip/drachtio.js';
import { answerSdp, type RtpAddress } from './answer-sdp.js';
import { behaviourOf } from './behaviour.js';
import { createProxyAuthenticator } from './digest.js';
import { IncomingCall } from './incoming-call.js';
import { createScripts } from './scripts.js';

export interface TrunkSimulatorOptions {
  connection: DrachtioConnection;
  log: Log;
  /** Divides every duration of the behaviours (not the protocol's own deadlines); 1 is real time. */
  speed?: number;
  /** Draws the durations: uniform in [0, 1). */
  random?: () => number;
  /** Offered in every answer; nobody listens there. */
  rtp?: RtpAddress;
}

export interface TrunkSimulatorStats {
  /** INVITEs so far, those sent again with credentials included. */
  received: number;
  /** Calls not over yet. */
  active: number;
  answered: number;
  canceled: number;
}

export interface TrunkSimulator {
  /** Refuses what rings, hangs up what is up and resolves when that is done, at most 5 s later. */
  stop(): Promise<void>;
  stats(): TrunkSimulatorStats;
}

/** Loopback, outside of the dialer's default range and of the kernel's ephemeral ports. */
const defaultRtp: RtpAddress = { host: '127.0.0.1', port: 30_000 };
/** Calls held at once; more get 503. */
const capacity = 5_000;
/** No call lives longer, whatever its far end does, ms. */
const callDeadlineMs = 300_000;
const stopDeadlineMs = 5_000;

/**
 * A carrier for demonstrations and tests: answers INVITEs by the last two digits of the called number
 * (the table in behaviour.ts) and OPTIONS with 200.
 */
export function startTrunkSimulator(options: TrunkSimulatorOptions): TrunkSimulator {
  const { connection, log, speed = 1, random = Math.random, rtp = defaultRtp } = options;
  if (!(speed > 0)) throw new RangeError(`speed must be above 0, not ${speed}`);
  const { stack } = connection;
  const play = createScripts({ speed, random, authenticator: createProxyAuthenticator() });
  const calls = new Map<IncomingCall, Promise<void>>();
  const counts = { received: 0, answered: 0, canceled: 0 };
  let stopped = false;

  const stopListening = connection.onLost(abandonAll);
  stack.options((_, response) => {
    response.send(200, { headers: { Allow: allowedMethods, Accept: 'application/sdp' } });
  });
  stack.invite((request, response) => {
    const refusal = refusalOf(request);
    if (refusal) {
      response.send(refusal);
      return;
    }
    counts.received += 1;
    const sdp = answerSdp(request.body, counts.received, rtp);
    admit(new IncomingCall({ stack, request, response, sdp }));
  });

  function refusalOf(request: ReceivedRequest): number | null {
    // A re-INVITE of a dialog that has just ended.
    if ('tag' in request.getParsedHeader('to').params) return 481;
    return stopped || calls.size >= capacity ? 503 : null;
  }

  function admit(call: IncomingCall): void {
    calls.set(
      call,
      serve(call).finally(() => calls.delete(call)),
    );
  }

  async function serve(call: IncomingCall): Promise<void> {
    const behaviour = behaviourOf(call.number);
    const overdue = setTimeout(() => call.end('overdue'), callDeadlineMs);
    try {
      await play(behaviour, call);
    } catch (error) {
      if (call.endedBy === null) log.warn({ err: error, sipCallId: call.sipCallId }, 'a call was cut short');
    } finally {
      clearTimeout(overdue);
    }
    if (call.wasAnswered) counts.answered += 1;
    if (call.endedBy === 'canceled') counts.canceled += 1;
    log.debug(
      {
        sipCallId: call.sipCallId,
        number: maskPhone(call.number),
        behaviour: behaviour.kind,
        endedBy: call.endedBy,
      },
      'call over',
    );
    await call.close();
  }

  function abandonAll(): void {
    for (const call of calls.keys()) call.abandon();
  }

  return {
    async stop() {
      stopped = true;
      stopListening();
      for (const call of calls.keys()) call.end('stopped');
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          log.warn({ active: calls.size }, 'calls did not end in time');
          abandonAll();
          resolve();
        }, stopDeadlineMs);
      });
      await Promise.race([Promise.all(calls.values()), late]);
      clearTimeout(timer);
    },
    stats: () => ({ ...counts, active: calls.size }),
  };
}

const allowedMethods = 'INVITE, ACK, CANCEL, BYE, OPTIONS';
