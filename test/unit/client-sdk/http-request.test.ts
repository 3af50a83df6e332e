import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, createHttpClient } from '@dialstream/client-sdk';
import { expect, test as base } from 'vitest';

type Answerer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers as the test says. */
const test = base
  .extend('answering', (): { answer: Answerer; seen: string[] } => ({ answer: () => undefined, seen: [] }))
  .extend('url', async ({ answering }, { onCleanup }) => {
    const server = createServer((request, response) => {
      answering.seen.push(`${request.method} ${request.url}`);
      answering.answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanup(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

const problem = { type: 'urn:x', title: 'x', status: 429, code: 'rate_limited', detail: 'Too many.' };

test('a problem is told with all that it says', async ({ url, answering }) => {
  answering.answer = (_, response) =>
    response.writeHead(429, { 'retry-after': '7' }).end(JSON.stringify(problem));
  const error = await createHttpClient({ url, key: 'k' })
    .account.get()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    message: '429 rate_limited: Too many.',
    status: 429,
    code: 'rate_limited',
    detail: 'Too many.',
    errors: [],
    retryAfterSeconds: 7,
  });
});

test.for([
  [502, '<html>Bad gateway</html>', '<html>Bad gateway</html>'],
  [500, 'null', 'null'],
  [200, 'OK', 'OK'],
] as const)(
  'the answer of something between, %i %s, is told as it came',
  async ([status, text, detail], { url, answering }) => {
    answering.answer = (_, response) => response.writeHead(status, { 'retry-after': 'Tue' }).end(text);
    const asked = createHttpClient({ url, key: 'k' }).account.get();
    await expect(asked).rejects.toMatchObject({
      status,
      code: 'unreadable',
      detail,
      retryAfterSeconds: null,
    });
  },
);

test('no answer in time is a timeout, also when it had begun', async ({ url, answering }) => {
  answering.answer = (_, response) => response.writeHead(200).write('{"id":');
  const { account } = createHttpClient({ url, key: 'k', timeoutMs: 100 });
  await expect(account.get()).rejects.toMatchObject({ status: 0, code: 'timeout' });
  await expect(account.get({ timeoutMs: 50 })).rejects.toMatchObject({ detail: 'no answer within 50 ms' });
});

test('the time for getting the key counts', async ({ url }) => {
  const { account } = createHttpClient({ url, key: () => new Promise(() => undefined), timeoutMs: 50 });
  await expect(account.get()).rejects.toMatchObject({ status: 0, code: 'timeout' });
});

test('without a key nothing is sent', async ({ url, answering }) => {
  const key = () => Promise.reject(new Error('the session is over'));
  const asked = createHttpClient({ url, key }).account.get();
  await expect(asked).rejects.toMatchObject({ status: 0, code: 'no_key', detail: 'the session is over' });
  expect(answering.seen).toEqual([]);
});

test('a server that is not there is unreachable', async () => {
  const { account } = createHttpClient({ url: 'http://127.0.0.1:1', key: 'k' });
  const error = (await account.get().catch((thrown: unknown) => thrown)) as ApiError;
  expect(error).toMatchObject({ status: 0, code: 'unreachable' });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test('a request ends with its signal, for the signal’s reason', async ({ url, answering }) => {
  const ending = new AbortController();
  const closed = new Promise((resolve) => {
    answering.answer = (_, response) => response.on('close', () => resolve('closed'));
  });
  const reason = new Error('the page was left');
  const { account } = createHttpClient({ url, key: 'k' });
  const asked = account.get({ signal: ending.signal });
  await expect.poll(() => answering.seen.length).toBe(1);
  ending.abort(reason);
  await expect(asked).rejects.toBe(reason);
  expect(await closed).toBe('closed');
  await expect(account.get({ signal: ending.signal })).rejects.toBe(reason);
  expect(answering.seen).toHaveLength(1);
});

test('an address may have a path, and its parts are escaped', async ({ url, answering }) => {
  answering.answer = (_, response) => response.writeHead(204).end();
  const { suppressions, calls } = createHttpClient({ url: `${url}/dial/?a#b`, key: 'k' });
  expect(await suppressions.delete('+1/2?')).toBeUndefined();
  await calls.list('x.y', { status: ['planned', 'answered'], q: 'a&b', limit: 2 });
  expect(answering.seen).toEqual([
    'DELETE /dial/v1/suppressions/%2B1%2F2%3F',
    'GET /dial/v1/campaigns/x.y/calls?status=planned%2Canswered&q=a%26b&limit=2',
  ]);
});

test.for(['', '.', '..'])(
  'an id that is "%s" is none, and leads nowhere else',
  async (id, { url, answering }) => {
    const { campaigns, trunks } = createHttpClient({ url, key: 'k' });
    await expect(campaigns.finish(id)).rejects.toThrow(TypeError);
    await expect(trunks.delete(id)).rejects.toThrow(TypeError);
    expect(answering.seen).toEqual([]);
  },
);

test('an address that is none is refused at once', () => {
  expect(() => createHttpClient({ url: 'dial.example.com', key: 'k' })).toThrow(TypeError);
});
