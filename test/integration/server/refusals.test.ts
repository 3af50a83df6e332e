import { createPool } from '@dialstream/shared/db/pool.js';
import { addCampaign } from '../../support/records.js';
import {
  type Client,
  describe,
  expect,
  expectProblem,
  type Method,
  missingId,
  openHttp,
  test,
} from './http.js';

const call = { phone: '+12025550100' };
const tooDeep: unknown = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`);

describe('fields', () => {
  test.for<[string, object, string[]]>([
    ['/campaigns', {}, ['name']],
    ['/campaigns', { name: '' }, ['name']],
    ['/campaigns', { name: 'x', colour: 'red' }, ['colour']],
    [
      '/campaigns',
      { name: 5, pacing: { callsPerSecond: 'many', burst: 1 } },
      ['name', 'pacing.callsPerSecond', 'pacing.burst'],
    ],
    ['/campaigns', { name: 'x', schedule: { timezone: 'Mars/Base' } }, ['schedule.timezone']],
    [
      '/campaigns',
      { name: 'x', schedule: { windows: [{ days: ['mon', 'noday'], from: '09:00', to: '08:00' }] } },
      ['schedule.windows[0].days[1]'],
    ],
    ['/campaigns', { name: 'x', retry: { rules: { nonsense: {} } } }, ['retry.rules.nonsense']],
    ['/campaigns', { name: 'x', callerIds: ['12025550100'] }, ['callerIds[0]']],
    ['/campaigns', { name: 'x', trunkIds: ['1'] }, ['trunkIds[0]']],
    ['/campaigns', { name: 'a\u0000b' }, ['name']],
    ['/campaigns', { name: 'half \ud83d' }, ['name']],
    ['/campaigns/:id/schedule', { startAt: 'tomorrow' }, ['startAt']],
    ['/campaigns/:id/pause', { why: 'lunch' }, ['why']],
    ['/campaigns/:id/calls', {}, ['calls']],
    ['/campaigns/:id/calls', { calls: [] }, ['calls']],
    ['/campaigns/:id/calls', { calls: [call, call, call, { phone: 5 }] }, ['calls[3].phone']],
    ['/campaigns/:id/calls', { calls: [call, { ...call, note: 'x' }] }, ['calls[1].note']],
    [
      '/campaigns/:id/calls',
      { calls: [{ ...call, payload: { a: [1, 'x\u0000'] } }] },
      ['calls[0].payload.a[1]'],
    ],
    [
      '/campaigns/:id/calls',
      { calls: [{ ...call, payload: tooDeep }] },
      [`calls[0].payload${'.a'.repeat(29)}`],
    ],
    [
      '/campaigns/:id/calls',
      { calls: [{ ...call, notBefore: '2026-02-30T00:00:00Z' }] },
      ['calls[0].notBefore'],
    ],
    // What Postgres's columns cannot hold.
    ['/campaigns', { name: 'x', schedule: { endAt: '0000-01-01T00:00:00Z' } }, ['schedule.endAt']],
    ['/campaigns/:id/schedule', { startAt: '9999-12-31T23:59:59-14:00' }, ['startAt']],
    [
      '/campaigns/:id/calls',
      { calls: [{ ...call, notAfter: '0000-06-01T00:00:00Z' }] },
      ['calls[0].notAfter'],
    ],
    ['/campaigns/:id/calls/cancel', {}, ['ids']],
    ['/campaigns/:id/calls/cancel', { ids: ['1'] }, ['ids[0]']],
    ['/trunks', { name: 'x', host: 'sip://x' }, ['host']],
    ['/trunks', { name: 'x', host: 'x', port: 0, transport: 'tls' }, ['port', 'transport']],
    ['/trunks', { name: 'x', host: 'x', username: 'me\r\nX: y', password: 'x' }, ['username']],
    ['/keys', { name: 'x', role: 'king' }, ['role']],
    ['/suppressions', {}, ['phone']],
    ['/suppressions', { phone: 'x' }, ['phone']],
  ])('POST %s %j', async ([path, body, paths], { http, db }) => {
    const { accountId, admin } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    const answer = await admin('POST', `/v1${path.replace(':id', id)}`, body);
    expectProblem(answer, 422, 'invalid');
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual(paths);
    const { rows } = await db.query(
      `select version, (select count(*)::int from campaigns where account_id = $1) as campaigns,
        (select count(*)::int from calls where account_id = $1) as calls from campaigns where account_id = $1`,
      [accountId],
    );
    expect(rows).toEqual([{ version: 1, campaigns: 1, calls: 0 }]);
  });

  test.for<[object | null, string[]]>([
    [{ version: 3 }, ['version']],
    [{ status: 'finished' }, ['status']],
    [{ pacing: { maxConcurrent: 0 } }, ['pacing.maxConcurrent']],
    [{ schedule: null }, ['schedule']],
    [{ schedule: { startAt: '0000-01-01T00:00:00Z' } }, ['schedule.startAt']],
    [null, ['body']],
  ])('PATCH of a campaign with %j', async ([body, paths], { http, db }) => {
    const { accountId, admin } = await http.account();
    const answer = await admin('PATCH', `/v1/campaigns/${await addCampaign(db, accountId)}`, body);
    expectProblem(answer, 422, 'invalid');
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual(paths);
  });

  test.for([
    'campaigns?limit=0',
    'campaigns?limit=501',
    'campaigns?limit=ten',
    'campaigns?limit=1&limit=2',
    'campaigns?cursor=next',
    'campaigns?status=running',
    'campaigns?colour=red',
    'suppressions?cursor=x',
  ])('GET /v1/%s', async (path, { http }) => {
    const { viewer } = await http.account();
    expectProblem(await viewer('GET', `/v1/${path}`), 422, 'invalid');
  });
});

test('an answer does not outgrow its question', async ({ http }) => {
  const { admin } = await http.account();
  const unknown = Array.from({ length: 20_000 }, (_, n) => [`field${n}`, 1]);
  const many = await admin('POST', '/v1/campaigns', { name: 'x', ...Object.fromEntries(unknown) });
  expectProblem(many, 422, 'invalid');
  expect(many.body.errors).toHaveLength(10_000);
  const long = await admin('POST', '/v1/campaigns', { name: 'x', ['k'.repeat(1_000_000)]: 1 });
  expectProblem(long, 422, 'invalid');
  expect(JSON.stringify(long.body).length).toBeLessThan(1_000);
});

test('what is not JSON, or says it is something else, is a bad request', async ({ http }) => {
  const { admin } = await http.account();
  const post = (raw: string, contentType = 'application/json') =>
    admin('POST', '/v1/campaigns', undefined, { raw, headers: { 'content-type': contentType } });
  for (const raw of ['{"name":', 'name=x', '{"name":"x","__proto__":{}}', '{"name":"x"} trailing']) {
    expectProblem(await post(raw), 400, 'bad_request');
  }
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense']) {
    expectProblem(await post('{"name":"x"}', type), 400, 'bad_request');
  }
  for (const raw of ['null', '[]', '"text"', '5', 'true']) {
    expectProblem(await post(raw), 422, 'invalid');
  }
  expect((await post('{"name":"x"}', 'application/json; charset=utf-8')).status).toBe(201);
});

test('a body over 10 MB is too large', async ({ http }) => {
  const { admin } = await http.account();
  const raw = JSON.stringify({ name: 'x'.repeat(10 * 1024 * 1024) });
  expectProblem(await admin('POST', '/v1/campaigns', undefined, { raw }), 413, 'too_large');
});

test.for<[Method, string]>([
  ['GET', '/v1/nothing'],
  ['POST', '/v1/campaigns/x/y/z'],
  ['GET', '/v1/campaigns/1'],
  ['GET', '/v1/campaigns/%00'],
  ['PATCH', '/v1/campaigns/not-an-id'],
  ['DELETE', `/v1/campaigns/${'a'.repeat(400)}`],
  ['POST', '/v1/campaigns/1/pause'],
  ['POST', '/v1/campaigns/1/calls'],
  ['GET', '/v1/calls/1'],
  ['GET', '/v1/trunks/1'],
  ['DELETE', '/v1/keys/1'],
  ['GET', `/v1/campaigns/${missingId}`],
  ['GET', `/v1/calls/${missingId}`],
  ['DELETE', '/v1/suppressions/nobody'],
])('%s %s is not found', async ([method, path], { http }) => {
  const { admin } = await http.account();
  expectProblem(await admin(method, path, method === 'GET' ? undefined : {}), 404, 'not_found');
});

test('an address that cannot be read is a bad request', async ({ http }) => {
  const { admin } = await http.account();
  expectProblem(await admin('GET', '/v1/campaigns/%zz'), 400, 'bad_request');
});

describe('keys', () => {
  test.for([
    null,
    'Bearer',
    'Bearer ',
    'Bearer ds_unknown',
    'Basic ZHM6ZHM=',
    'Bearer a b',
    `Bearer ${'x'.repeat(5000)}`,
  ])('%s opens nothing', async (authorization, { http }) => {
    const headers: Record<string, string> = authorization === null ? {} : { authorization };
    const answer = await http.as(null)('GET', '/v1/campaigns', undefined, { headers });
    expectProblem(answer, 401, 'unauthorized');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  const body = { name: 'x' };
  test.for<[Method, string, object | undefined, 'viewer' | 'operator']>([
    ['POST', '/v1/campaigns', body, 'viewer'],
    ['PATCH', `/v1/campaigns/${missingId}`, body, 'viewer'],
    ['DELETE', `/v1/campaigns/${missingId}`, undefined, 'viewer'],
    ...(['schedule', 'unschedule', 'pause', 'resume', 'finish'] as const).map(
      (action): [Method, string, object, 'viewer'] => [
        'POST',
        `/v1/campaigns/${missingId}/${action}`,
        {},
        'viewer',
      ],
    ),
    ['POST', `/v1/campaigns/${missingId}/calls`, { calls: [call] }, 'viewer'],
    ['POST', `/v1/campaigns/${missingId}/calls/cancel`, { ids: [missingId] }, 'viewer'],
    ['POST', '/v1/trunks', { name: 'x', host: 'x' }, 'operator'],
    ['PATCH', `/v1/trunks/${missingId}`, body, 'operator'],
    ['DELETE', `/v1/trunks/${missingId}`, undefined, 'operator'],
    ['PATCH', '/v1/account', body, 'operator'],
    ['GET', '/v1/keys', undefined, 'operator'],
    ['POST', '/v1/keys', { name: 'x', role: 'admin' }, 'operator'],
    ['DELETE', `/v1/keys/${missingId}`, undefined, 'operator'],
    ['POST', '/v1/suppressions', { phone: '+12025550100' }, 'operator'],
    ['DELETE', '/v1/suppressions/%2B12025550100', undefined, 'operator'],
    ['GET', '/v1/accounts', undefined, 'operator'],
  ])('%s %s is not for a %4$s', async ([method, path, given, role], { http }) => {
    const account = await http.account();
    expectProblem(await account[role](method, path, given), 403, 'forbidden');
  });

  test('a viewer reads', async ({ http, db }) => {
    const { accountId, viewer } = await http.account();
    const id = await addCampaign(db, accountId);
    for (const path of [
      'campaigns',
      `campaigns/${id}`,
      `campaigns/${id}/calls`,
      'trunks',
      'account',
      'suppressions',
    ]) {
      expect((await viewer('GET', `/v1/${path}`)).status, path).toBe(200);
    }
  });
});

test('who asks too often is told to wait, and others are not', async ({ db, redisUrl, redisPrefix, log }) => {
  const rateLimit = { burst: 3, perSecond: 0.5 };
  const { http, close } = await openHttp({ db, redisUrl, redisPrefix, log, options: { rateLimit } });
  try {
    const [one, other] = [await http.account(), await http.account()];
    for (let n = 0; n < 3; n += 1) expect((await one.viewer('GET', '/v1/account')).status).toBe(200);
    const refused = await one.viewer('GET', '/v1/account');
    expectProblem(refused, 429, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await other.viewer('GET', '/v1/account')).status).toBe(200);
  } finally {
    await close();
  }
});

test('a fault of ours tells nothing of the inside', async ({ db, redisUrl, redisPrefix, log }) => {
  const principal = { accountId: missingId, keyId: 'k', name: 'k', role: 'admin', isRoot: false } as const;
  const away = createPool({ databaseUrl: 'postgres://nobody:pw@127.0.0.1:1/none', log, name: 'away' });
  const authenticate = async () => principal;
  const { http, close } = await openHttp({
    db,
    redisUrl,
    redisPrefix,
    log,
    options: { pool: away, authenticate },
  });
  try {
    const client: Client = http.as('any');
    const answer = await client('GET', '/v1/campaigns');
    expectProblem(answer, 500, 'internal');
    expect(answer.headers['retry-after']).toBe('2');
    expect(JSON.stringify(answer.body)).not.toMatch(/ECONN|127|postgres|select/i);
    expect(await http.as(null)('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { missing: ['postgres', 'dialer'] },
    });
    expect((await http.as(null)('GET', '/healthz')).status).toBe(200);
  } finally {
    await close();
    await away.end();
  }
});
