import { pino, type Logger } from 'pino';

export type Log = Logger;

/** The parts of a log line that name whose business it is; see README, "Reading the log". */
export interface LogContext {
  campaignId?: string;
  callId?: string;
  attempt?: number;
  sipCallId?: string;
}

/**
 * JSON lines on standard output. Secrets are cut out wherever they stand one or two levels deep,
 * so that an object logged whole does not give one away.
 */
export function createLog(process: string, level: string): Log {
  return pino({
    level,
    base: { process, pid: globalThis.process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [
        'password',
        'secret',
        'key',
        'token',
        '*.password',
        '*.secret',
        '*.key',
        '*.token',
        '*.authorization',
      ],
      censor: '[cut]',
    },
  });
}

/** What a log says of an error. Not its other properties: libraries hang connections and passwords there. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** A phone number as it may stand in a log: its last four digits. */
export function maskPhone(phone: string): string {
  return `…${phone.slice(-4)}`;
}
