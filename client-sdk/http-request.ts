import { ApiError, noAnswer, refusalOf } from './api-error.js';
import type { Token } from './connection.js';
import { messageOf } from './message-of.js';

/** Settings of {@link createHttpClient}. */
export interface HttpClientOptions {
  /** Where the server is, such as `https://dial.example.com`. */
  url: string;
  /** API key; a function is asked before every request. */
  key: Token;
  /** Milliseconds that a request may take until its answer is read; 30,000 when left out. */
  timeoutMs?: number;
  /** What makes the requests, instead of the platform's `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** Settings of one request. */
export interface RequestOptions {
  /** Ends the request; it rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Instead of the client's. */
  timeoutMs?: number;
}

/** Settings of a request that makes something. */
export interface PostOptions extends RequestOptions {
  /**
   * 1 to 255 characters. The same key and body give the same answer for 24 hours, so that a request whose
   * answer was lost can be sent again without happening twice.
   */
  idempotencyKey?: string;
}

/** Settings of a request that changes something. */
export interface ChangeOptions extends RequestOptions {
  /** The change is refused with `version_mismatch` when it is not at this version any more. */
  ifVersion?: number;
}

/** Settings of a request that is done to a campaign. */
export interface ActionOptions extends PostOptions, ChangeOptions {}

/** What is sent, beside its address. */
export interface Sent extends ActionOptions {
  body?: object;
  query?: object;
}

/** Sends a request. Rejects with an {@link ApiError}, or with the reason of the signal. */
export type Send = <Answer>(method: string, path: string, sent?: Sent) => Promise<Answer>;

/** Gives what sends requests to `/v1` of a server. Throws a TypeError when the address is none. */
export function createSend(options: HttpClientOptions): Send {
  const { url, key, timeoutMs: usualMs = 30_000, fetch = globalThis.fetch } = options;
  const base = `${new URL(url).href.replace(/[?#].*$/, '').replace(/\/$/, '')}/v1`;

  return async <Answer>(method: string, path: string, sent: Sent = {}): Promise<Answer> => {
    // Such a part is no id, and would lead to another address than was meant.
    if (/\/\.{0,2}(?:\/|$)/.test(path)) throw new TypeError(`${path} has a part that is no id`);
    const work = async (signal: AbortSignal): Promise<Answer> => {
      const headers = headersOf(await keyOf(key), sent);
      const body = sent.body && JSON.stringify(sent.body);
      const init = { method, headers, signal, ...(body !== undefined && { body }) };
      return read<Answer>(await fetch(`${base}${path}${queryOf(sent.query)}`, init));
    };
    return withDeadline(work, sent.timeoutMs ?? usualMs, sent.signal);
  };
}

async function keyOf(key: Token): Promise<string> {
  try {
    return typeof key === 'string' ? key : await key();
  } catch (error) {
    throw noAnswer('no_key', messageOf(error), error);
  }
}

function headersOf(key: string, { body, idempotencyKey, ifVersion }: Sent): Record<string, string> {
  return {
    authorization: `Bearer ${key}`,
    ...(body && { 'content-type': 'application/json' }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    ...(ifVersion !== undefined && { 'if-match': `"${ifVersion}"` }),
  };
}

/** `?a=1&b=x,y`; what is undefined is left out. */
function queryOf(query: object = {}): string {
  const pairs = Object.entries(query as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) => [name, Array.isArray(value) ? value.join(',') : String(value)] as [string, string],
    );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

async function read<Answer>(response: Response): Promise<Answer> {
  const text = await response.text();
  if (!response.ok) throw refusalOf(response, text);
  if (text === '') return undefined as Answer;
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw refusalOf(response, text);
  }
}

/** Ends when the work does, its time is up, or the caller wants no answer any more. */
async function withDeadline<Answer>(
  work: (signal: AbortSignal) => Promise<Answer>,
  timeoutMs: number,
  caller: AbortSignal | undefined,
): Promise<Answer> {
  caller?.throwIfAborted();
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leave = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: unknown): void => {
      reject(reason);
      ending.abort(reason);
    };
    timer = setTimeout(() => end(noAnswer('timeout', `no answer within ${timeoutMs} ms`, null)), timeoutMs);
    leave = () => end(caller?.reason);
    caller?.addEventListener('abort', leave);
  });
  try {
    return await Promise.race([work(ending.signal), ended]);
  } catch (error) {
    if (error instanceof ApiError || caller?.aborted === true) throw error;
    throw noAnswer('unreachable', messageOf(error), error);
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', leave);
  }
}
