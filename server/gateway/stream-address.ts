import type { IncomingMessage } from 'node:http';
import { ProblemError } from '../problems.js';
import type { AdmissionRefusal } from './connection.js';

/** Where plain WebSocket clients come. */
export const streamPath = '/v1/stream';

/** What the client named itself with: `?token=`, since browsers cannot set headers here, or `Authorization`. */
export function streamToken({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string | null {
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  const inQuery = new URLSearchParams(query).get('token');
  return inQuery ?? /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

const refusals = {
  unauthorized: 'An API key or a stream token is needed: ?token= or Authorization: Bearer.',
  rate_limited: 'This key has too many connections, or sends too many messages.',
  unavailable: 'The token cannot be checked right now.',
} as const satisfies Record<AdmissionRefusal, string>;

/** Why a client is not let in, as HTTP says it. */
export function streamRefusal(code: AdmissionRefusal): ProblemError {
  return new ProblemError(code, refusals[code]);
}
