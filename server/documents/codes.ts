import type { ProblemCode } from '../problems.js';
import type { closeCodes, RefusalCode, ResyncCode } from '@dialstream/shared/events/protocol.js';

/** What the codes mean, and what a client does about them. */

export const refusalMeanings: Record<RefusalCode, string> = {
  bad_request: 'The request is not what the schema says.',
  not_found: 'There is no such topic, or no such campaign in this account.',
  forbidden: 'The topic needs another role (`system` needs `admin`), or the stream token does not name it.',
  too_many: 'The connection, or its key, has as many subscriptions as it may have.',
  too_slow: 'The connection has not taken what was sent before. Read it, then try again.',
  rate_limited: 'Too many requests. Wait, then try again.',
  superseded: 'A later request for the same topic on this connection has taken the place of this one.',
  unavailable: 'A store does not answer. Try again, with the same cursor.',
};

export const resyncMeanings: Record<ResyncCode, string> = {
  epoch_changed: 'The log of the topic was lost and has begun anew: a snapshot follows.',
  trimmed: 'The log does not reach back to the events that come next: a snapshot follows.',
  too_slow: 'The connection did not take its events fast enough.',
  rights_changed: 'The token has run out, or the key was revoked or has other rights. Get a token first.',
  unavailable: 'A store does not answer. Wait a little first.',
};

export const closeMeanings: Record<keyof typeof closeCodes, string> = {
  restart: 'The gateway stops. Connect again, with your cursors: another one, or this one soon, goes on.',
  tooBig: 'A frame had more than 16 KiB.',
  unauthorized: 'The token does not hold any more. Get another one and connect again, with your cursors.',
  tooSlow: 'The connection reads nothing, but keeps asking.',
  rateLimited: 'Too many messages or connections. Wait before you connect again.',
};

/** Why a connection is not opened: `connect_error` of Socket.IO, the problem's code of an HTTP answer. */
export const connectMeanings = {
  unauthorized: { status: 401, meaning: 'There is no token, or it does not hold.' },
  rate_limited: { status: 429, meaning: 'This key has too many connections, or sends too many messages.' },
  unavailable: {
    status: 503,
    meaning: 'The token cannot be checked right now, or the gateway stops. Try again.',
  },
} as const;

export const problemMeanings: Record<ProblemCode, string> = {
  bad_request: 'What came is no request that can be read: no JSON, or a wrong header.',
  unauthorized: 'There is no key, or it is unknown or revoked.',
  forbidden: 'The key has not the role that this needs.',
  not_found: 'There is no such thing in this account.',
  illegal_transition: 'Not possible in the status that it has.',
  version_mismatch: 'It is at another version than `If-Match` says.',
  out_of_minutes: 'The account has no minutes left.',
  system_failure: 'Every trunk of the campaign is down, or no dialer is alive.',
  too_large: 'The body has more than 10 MiB.',
  invalid: 'Fields are wrong; `errors` names each by its path.',
  idempotency_mismatch: 'The `Idempotency-Key` was used for another request.',
  upgrade_required: 'The token holds, but the request does not ask for WebSocket.',
  rate_limited: 'The key asks too often. `Retry-After` says how many seconds to wait.',
  internal: 'The fault is ours. With `Retry-After` it is worth another try after so many seconds.',
  unavailable: 'A store does not answer, or the server stops. Try again.',
};

export function asList(meanings: Record<string, string>): string {
  return Object.entries(meanings)
    .map(([code, meaning]) => `- \`${code}\`: ${meaning}`)
    .join('\n');
}
