import { fastify } from 'fastify';
import { chromium } from 'playwright-core';
import { expect, test } from './http.js';

const preflight = {
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'authorization,content-type,if-match',
  origin: 'https://app.example',
};

test('a preflight needs no key, and nothing is ever allowed with cookies', async ({ http }) => {
  const { statusCode, headers } = await http.app.inject({
    method: 'OPTIONS',
    url: '/v1/campaigns/1',
    headers: preflight,
  });
  expect(statusCode).toBe(204);
  expect(headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
    'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, If-Match',
  });
  expect(headers).not.toHaveProperty('access-control-allow-credentials');
});

test.for(['/v1/campaigns', '/v1/stream', '/v1/nothing'])(
  'a page may read why %s was refused',
  async (url, { http }) => {
    const { statusCode, headers } = await http.app.inject({
      url,
      headers: { origin: 'https://app.example' },
    });
    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(headers['access-control-allow-origin']).toBe('*');
  },
);

test.for(['/', '/docs', '/healthz', '/readyz', '/metrics', '/nothing'])(
  '%s is for pages of our own origin only',
  async (url, { http }) => {
    for (const method of ['GET', 'OPTIONS'] as const) {
      const { headers } = await http.app.inject({ method, url, headers: preflight });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  },
);

test('a page of another origin creates, reads, changes and deletes a campaign', async ({
  http,
  onTestFinished,
}) => {
  const { accountId } = await http.account();
  const key = await http.key(accountId, 'operator');
  const elsewhere = fastify();
  elsewhere.get('/', async (_request, reply) =>
    reply.type('text/html').send('<!doctype html><title>App</title>'),
  );
  onTestFinished(() => elsewhere.close());
  const api = await http.app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(await elsewhere.listen({ host: '127.0.0.1', port: 0 }));
  const seen = await page.evaluate(
    async ({ api, key }) => {
      const ask = (method: string, path: string, body?: object, headers = {}): Promise<Response> =>
        fetch(`${api}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
          ...(body && { body: JSON.stringify(body) }),
        });
      const made = await ask('POST', '/v1/campaigns', { name: 'From an app' }, { 'idempotency-key': 'one' });
      const { id } = (await made.json()) as { id: string };
      const etag = (await ask('GET', `/v1/campaigns/${id}`)).headers.get('etag') ?? '';
      const patched = await ask('PATCH', `/v1/campaigns/${id}`, { name: 'Renamed' }, { 'if-match': etag });
      const deleted = await ask('DELETE', `/v1/campaigns/${id}`);
      const metrics = await fetch(`${api}/metrics`).then(
        () => 'read',
        () => 'blocked',
      );
      return { etag, statuses: [made.status, patched.status, deleted.status], metrics };
    },
    { api, key },
  );
  expect(seen).toEqual({ etag: '"1"', statuses: [201, 200, 204], metrics: 'blocked' });
});
