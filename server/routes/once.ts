import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { claimKey, storeAnswer } from '@dialstream/shared/db/idempotency.js';
import type { Tx } from '@dialstream/shared/db/pool.js';
import type { Emit, OpenScope, Outbox, PendingEvent } from '@dialstream/shared/events/outbox.js';
import { ProblemError, problemType } from '../problems.js';

export interface Answer {
  status: number;
  body: unknown;
}

/** What a POST does in its transaction. Throwing a ProblemError undoes it. */
export type Work = (tx: Tx, emit: Emit, open: OpenScope) => Promise<Answer>;

/** Answers a POST; see `createOnce`. */
export type Once = (
  request: FastifyRequest,
  reply: FastifyReply,
  scopes: Iterable<string>,
  work: Work,
) => Promise<FastifyReply>;

/**
 * Runs the work of a POST within `outbox.change(scopes, …)`. With an `Idempotency-Key` its answer, refusals
 * included, is written in the same transaction, so that a change never happens without it or twice; a
 * second request with the key waits in Postgres for the first. Faults of ours are not kept: they can be
 * tried again. Answers are sealed with the API key of who asked: some hold secrets.
 */
export function createOnce(outbox: Outbox): Once {
  return async (request, reply, scopes, work) => {
    const key = keyOf(request);
    if (key === null) {
      const { status, body } = await outbox.change(scopes, work);
      return reply.code(status).send(body);
    }
    const place = { accountId: request.principal.accountId, key };
    const bodyHash = hashOf(request);
    const { status, text } = await outbox.change(scopes, async (tx, emit, open) => {
      const before = await claimKey(tx, { ...place, bodyHash });
      if (before && !before.bodyHash.equals(bodyHash)) {
        throw new ProblemError('idempotency_mismatch', 'This Idempotency-Key was used for another request.');
      }
      if (before) return { status: before.status, text: unseal(before.response, request.apiKey) };
      const answer = await answerOrRefuse(tx, emit, open, work);
      const text = JSON.stringify(answer.body);
      await storeAnswer(tx, place, { status: answer.status, response: seal(text, request.apiKey) });
      return { status: answer.status, text };
    });
    const type = status < 400 ? 'application/json; charset=utf-8' : problemType;
    return reply.code(status).type(type).send(Buffer.from(text));
  };
}

/** Turns a refusal into an answer and undoes what the work did before it, events included. */
async function answerOrRefuse(tx: Tx, emit: Emit, open: OpenScope, work: Work): Promise<Answer> {
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
