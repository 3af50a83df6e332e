import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { claimKey, storeAnswer } from '@dialstream/shared/db/idempotency.js';
import type { Tx } from '@dialstream/shared/db/pool.js';
import type { Emit, OpenScope, Outbox, PendingEvent } from '@dialstream/shared/events/outbox.js';
import { ProblemError, problemType } from '../problems.js';

export interface Answer<Body> {
  status: number;
  body: Body;
}

/** What a POST does in its transaction. Throwing a ProblemError undoes it. */
export type Work<Body> = (tx: Tx, emit: Emit, open: OpenScope) => Promise<Answer<Body>>;

/** Answers a POST; see `createOnce`. Gives the body, with the status set. */
export type Once = <Body>(
  request: FastifyRequest,
  reply: ReplyHead,
  scopes: Iterable<string>,
  work: Work<Body>,
) => Promise<Body>;

/** A reply but for its body, whatever its route says of its body. */
export interface ReplyHead {
  readonly statusCode: number;
  code(status: number): unknown;
  type(contentType: string): unknown;
}

/**
 * Runs the work of a POST within `outbox.change(scopes, …)`. With an `Idempotency-Key` its answer, refusals
 * included, is written in the same transaction, so that a change never happens without it or twice; a
 * second request with the key waits in Postgres for the first. Faults of ours are not kept: they can be
 * tried again. Answers are sealed with the API key of who asked: some hold secrets.
 */
export function createOnce(outbox: Outbox): Once {
  return async <Body>(
    request: FastifyRequest,
    reply: ReplyHead,
    scopes: Iterable<string>,
    work: Work<Body>,
  ) => {
    const key = keyOf(request);
    const { status, body } = await outbox.change(scopes, (tx, emit, open) =>
      key === null ? work(tx, emit, open) : answerOnce({ request, key, tx, emit, open, work }),
    );
    reply.code(status);
    if (status >= 400) reply.type(problemType);
    // A refusal or an answer given before: of the route's type when it was made.
    return body as Body;
  };
}

interface KeyedWork<Body> {
  request: FastifyRequest;
  key: string;
  tx: Tx;
  emit: Emit;
  open: OpenScope;
  work: Work<Body>;
}

async function answerOnce<Body>(keyed: KeyedWork<Body>): Promise<Answer<unknown>> {
  const { request, tx } = keyed;
  const place = { accountId: request.principal.accountId, key: keyed.key };
  const bodyHash = hashOf(request);
  const before = await claimKey(tx, { ...place, bodyHash });
  if (before === null) {
    const answer = await answerOrRefuse(keyed);
    const response = seal(JSON.stringify(answer.body), request.apiKey);
    await storeAnswer(tx, place, { status: answer.status, response });
    return answer;
  }
  if (!before.bodyHash.equals(bodyHash)) {
    throw new ProblemError('idempotency_mismatch', 'This Idempotency-Key was used for another request.');
  }
  return { status: before.status, body: JSON.parse(unseal(before.response, request.apiKey)) as unknown };
}

/** Turns a refusal into an answer and undoes what the work did before it, events included. */
async function answerOrRefuse<Body>({ tx, emit, open, work }: KeyedWork<Body>): Promise<Answer<unknown>> {
  const events: PendingEvent[] = [];
  await tx.query('savepoint work');
  try {
    const answer = await work(tx, (event) => events.push(event), open);
    for (const event of events) emit(event);
    return answer;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.statusCode >= 500) throw error;
    await tx.query('rollback to savepoint work');
    return { status: error.statusCode, body: error.toProblem() };
  }
}

/** The key, which each API key has for itself. */
function keyOf({ headers, principal }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key.length === 0 || key.length > 255) {
    throw new ProblemError('bad_request', 'An Idempotency-Key has 1 to 255 characters.');
  }
  return `${principal.keyId}:${key}`;
}

function hashOf({ method, url, body }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(`${method} ${url}\n${JSON.stringify(body)}`)
    .digest();
}

const ivLength = 12;
const tagLength = 16;

function sealingKey(apiKey: string): Buffer {
  return createHash('sha256').update(`stored answer ${apiKey}`).digest();
}

function seal(text: string, apiKey: string): string {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(apiKey), iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
}

function unseal(stored: string, apiKey: string): string {
  const bytes = Buffer.from(stored, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(apiKey), bytes.subarray(0, ivLength));
  decipher.setAuthTag(bytes.subarray(ivLength, ivLength + tagLength));
  const opened = decipher.update(bytes.subarray(ivLength + tagLength));
  return Buffer.concat([opened, decipher.final()]).toString('utf8');
}
