import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { problem } from '@dialstream/server/problems.js';
import { describe, expect, openHttp, test } from './http.js';

/** A connection to the app, and what came over it. */
async function dial(app: FastifyInstance) {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket: Socket = connect(port, '127.0.0.1');
  const wire = { socket, received: '', closed: once(socket, 'close') };
  socket.on('data', (chunk: Buffer) => (wire.received += chunk.toString()));
  // A cut connection may come as a reset; `closed` tells either way.
  socket.on('error', () => {});
  await once(socket, 'connect');
  return wire;
}

test.for<[string, string]>([
  ['is no HTTP', 'hello\r\n\r\n'],
  ['has an unknown method', 'FOO /v1/campaigns HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['has headers without end', `GET /v1/campaigns HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`],
  [
    'has two lengths',
    'POST /v1/campaigns HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
])('what %s is a bad request, as a problem', async ([, bytes], { http }) => {
  const wire = await dial(http.app);
  wire.socket.write(bytes);
  await wire.closed;
  const [head = '', body = ''] = wire.received.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 [\s\S]*Content-Type: application\/problem\+json/);
  expect(problem.strict().parse(JSON.parse(body))).toMatchObject({ status: 400, code: 'bad_request' });
});

describe('closing', () => {
  const body = '{"name":"Late"}';
  /** All of a request but the end of its body. */
  const begun = (key: string): string =>
    `POST /v1/campaigns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`;

  test('the request under way is answered, and who asked nothing is cut off', async ({ http, db }) => {
    const { accountId } = await http.account();
    const key = await http.key(accountId, 'operator');
    const [silent, busy] = [await dial(http.app), await dial(http.app)];
    const seen = once(http.app.server, 'request');
    busy.socket.write(begun(key));
    await seen;
    const closing = http.app.close();
    busy.socket.write(body.slice(5));
    await Promise.all([closing, busy.closed, silent.closed]);
    expect(busy.received).toMatch(/^HTTP\/1\.1 201 [\s\S]*connection: close/);
    expect(silent.received).toBe('');
    const { rows } = await db.query('select name from campaigns where account_id = $1', [accountId]);
    expect(rows).toEqual([{ name: 'Late' }]);
  });

  test('a request that never ends is given up', async ({ db, redisUrl, redisPrefix, log }) => {
    const { http, close } = await openHttp({
      db,
      redisUrl,
      redisPrefix,
      log,
      options: { drainMs: 50 },
    });
    const { accountId } = await http.account();
    const key = await http.key(accountId, 'operator');
    const wire = await dial(http.app);
    const seen = once(http.app.server, 'request');
    wire.socket.write(begun(key));
    await seen;
    await close();
    await wire.closed;
    expect(wire.received).not.toContain('201');
  });

  test('a caller who left is not waited for', async ({ http }) => {
    const { accountId } = await http.account();
    const key = await http.key(accountId, 'operator');
    const wire = await dial(http.app);
    const seen = once(http.app.server, 'request');
    wire.socket.write(begun(key));
    await seen;
    wire.socket.destroy();
    await http.app.close();
    expect(http.app.server.listening).toBe(false);
  });
});
