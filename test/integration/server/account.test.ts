import { ensureRootAccount } from '@dialstream/shared/db/accounts.js';
import { createAuthenticate } from '@dialstream/server/auth.js';
import { trunk as trunkShape } from '@dialstream/shared/api/trunks.js';
import { describe, expect, missingId, test, told } from './http.js';

const wanted = { name: 'Carrier', host: 'sip.example.com' };

describe('trunks', () => {
  test('the password is never given back, and kept when others change', async ({ http, db }) => {
    const { admin, viewer } = await http.account();
    const made = await admin('POST', '/v1/trunks', { ...wanted, username: 'me', password: 'secret' });
    expect(made).toMatchObject({
      status: 201,
      body: { ...wanted, port: 5060, transport: 'udp', status: 'up' },
    });
    expect(trunkShape.strict().safeParse(made.body).error).toBeUndefined();
    const path = `/v1/trunks/${made.body.id}`;
    const patched = await admin('PATCH', path, { port: 5070, callerIds: ['+12025550100'] });
    expect(patched).toMatchObject({ status: 200, body: { port: 5070, username: 'me' } });
    const answers = [made, patched, await viewer('GET', path), await viewer('GET', '/v1/trunks')];
    expect(JSON.stringify(answers)).not.toMatch(/secret|password/);
    const { rows } = await db.query('select password from trunks where id = $1', [made.body.id]);
    expect(rows).toEqual([{ password: 'secret' }]);
  });

  test('a deleted one is gone', async ({ http }) => {
    const { admin } = await http.account();
    const { body } = await admin('POST', '/v1/trunks', wanted);
    const path = `/v1/trunks/${body.id}`;
    expect((await admin('DELETE', path)).status).toBe(204);
    expect((await admin('DELETE', path)).status).toBe(404);
    expect((await admin('GET', path)).status).toBe(404);
    expect((await admin('GET', '/v1/trunks')).body).toEqual({ items: [], nextCursor: null });
  });

  test('two patches at once both count', async ({ http }) => {
    const { admin } = await http.account();
    const { body } = await admin('POST', '/v1/trunks', wanted);
    const path = `/v1/trunks/${body.id}`;
    await Promise.all([admin('PATCH', path, { port: 5071 }), admin('PATCH', path, { weight: 9 })]);
    expect((await admin('GET', path)).body).toMatchObject({ port: 5071, weight: 9 });
  });
});

describe('keys', () => {
  test('a secret is shown once and opens the account in its role', async ({ http }) => {
    const { admin } = await http.account();
    const { status, body } = await admin('POST', '/v1/keys', { name: 'CRM', role: 'viewer' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'CRM', role: 'viewer', key: expect.stringMatching(/^ds_/) });
    const crm = http.as(body.key);
    expect((await crm('GET', '/v1/campaigns')).status).toBe(200);
    expect((await crm('POST', '/v1/campaigns', { name: 'x' })).status).toBe(403);
    const { body: listed } = await admin('GET', '/v1/keys');
    expect(listed.items).toHaveLength(4);
    expect(JSON.stringify(listed)).not.toContain(body.key);
  });

  test('a deleted key opens nothing, within what is remembered', async ({ http, db }) => {
    const { admin } = await http.account();
    const { body } = await admin('POST', '/v1/keys', { name: 'CRM', role: 'viewer' });
    expect(await createAuthenticate(db)(body.key)).toMatchObject({ name: 'CRM', isRoot: false });
    expect((await admin('DELETE', `/v1/keys/${body.id}`)).status).toBe(204);
    expect(await createAuthenticate(db)(body.key)).toBeNull();
    expect((await admin('DELETE', `/v1/keys/${body.id}`)).status).toBe(404);
  });

  test('the last admin key and the root key stay', async ({ http }) => {
    const { admin } = await http.account();
    const root = await http.root();
    for (const client of [admin, root]) {
      const { body } = await client('GET', '/v1/keys');
      const own = body.items.find(({ role }: { role: string }) => role === 'admin') as { id: string };
      expect(await client('DELETE', `/v1/keys/${own.id}`)).toMatchObject({
        status: 409,
        body: { code: 'illegal_transition' },
      });
    }
  });

  test('of two admin keys that are deleted at once one stays', async ({ http }) => {
    const { admin } = await http.account();
    const { body: second } = await admin('POST', '/v1/keys', { name: 'Second', role: 'admin' });
    const { body } = await admin('GET', '/v1/keys');
    const first = body.items.find(({ role }: { role: string }) => role === 'admin') as { id: string };
    const answers = await Promise.all([first.id, second.id].map((id) => admin('DELETE', `/v1/keys/${id}`)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409]);
  });
});

test('one root account is made however many start, and a new ADMIN_KEY replaces the old', async ({ db }) => {
  const [first, second] = ['first-admin-key-000', 'second-admin-key-00'];
  const ids = await Promise.all([1, 2, 3, 4].map(() => ensureRootAccount(db, first)));
  expect(new Set(ids).size).toBe(1);
  expect(await createAuthenticate(db)(first)).toMatchObject({
    accountId: ids[0],
    role: 'admin',
    isRoot: true,
  });
  await ensureRootAccount(db, second);
  expect(await createAuthenticate(db)(first)).toBeNull();
  expect(await createAuthenticate(db)(second)).toMatchObject({ accountId: ids[0], isRoot: true });
  await ensureRootAccount(db, first);
  expect(await createAuthenticate(db)(first)).toMatchObject({ isRoot: true });
  expect(await createAuthenticate(db)(second)).toBeNull();
  const { rows } = await db.query('select count(*)::int as n from accounts where is_root');
  expect(rows).toEqual([{ n: 1 }]);
});

describe('accounts', () => {
  test('an account is shown in minutes and changed by its admin, but for its limits', async ({
    http,
    db,
  }) => {
    const { accountId, admin, viewer } = await http.account();
    await db.query('update accounts set balance_seconds = 90, reserved_seconds = 30 where id = $1', [
      accountId,
    ]);
    expect((await viewer('GET', '/v1/account')).body).toEqual({
      id: accountId,
      name: 'Test',
      minutes: { balance: 1.5, reserved: 0.5 },
      uniqueUsers: { limit: null, used: 0, periodEnd: null },
      maxConcurrent: null,
      defaultCountry: 'US',
    });
    const renamed = await admin('PATCH', '/v1/account', { name: 'Renamed', defaultCountry: 'DE' });
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Renamed', defaultCountry: 'DE' } });
    for (const limit of [{ minutes: { balance: 10 } }, { uniqueUsers: { limit: 5 } }, { maxConcurrent: 5 }]) {
      const answer = await admin('PATCH', '/v1/account', limit);
      expect(answer, JSON.stringify(limit)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(await admin('PATCH', '/v1/account', { defaultCountry: 'XX' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'defaultCountry' }] },
    });
  });

  test('the root key makes accounts with a key, and sets their limits', async ({ http, events }) => {
    const root = await http.root();
    const { status, body } = await root('POST', '/v1/accounts', { name: 'Shop', minutes: { balance: 100 } });
    expect(status).toBe(201);
    expect(body.account).toMatchObject({ name: 'Shop', minutes: { balance: 100, reserved: 0 } });
    const shop = http.as(body.key);
    expect((await shop('GET', '/v1/account')).body).toEqual(body.account);
    expect((await shop('POST', '/v1/keys', { name: 'x', role: 'viewer' })).status).toBe(201);

    const { id } = body.account;
    const limits = {
      minutes: { balance: null },
      uniqueUsers: { limit: 7, periodEnd: '2099-01-01T00:00:00Z' },
      maxConcurrent: 3,
    };
    expect(await root('PATCH', `/v1/accounts/${id}`, limits)).toMatchObject({
      status: 200,
      body: {
        minutes: { balance: null },
        uniqueUsers: { limit: 7, periodEnd: '2099-01-01T00:00:00.000Z' },
        maxConcurrent: 3,
      },
    });
    expect(told(events)).toMatchObject(
      ['minutes', 'uniqueUsers', 'maxConcurrent'].map((limit) => ({
        type: 'account.limit_changed',
        data: { accountId: id, limit },
      })),
    );
    const { body: listed } = await root('GET', '/v1/accounts?limit=500');
    expect(listed.items.map((account: { id: string }) => account.id)).toContain(id);
    expect((await root('PATCH', `/v1/accounts/${missingId}`, { name: 'x' })).status).toBe(404);
  });

  test('no other key sees or changes accounts', async ({ http }) => {
    const { accountId, admin } = await http.account();
    for (const [method, path, body] of [
      ['GET', '/v1/accounts', undefined],
      ['POST', '/v1/accounts', { name: 'x' }],
      ['PATCH', `/v1/accounts/${accountId}`, { name: 'x' }],
    ] as const) {
      expect(await admin(method, path, body)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });
});

test('suppressions are added, listed in pages and removed', async ({ http }) => {
  const { admin, viewer } = await http.account();
  const one = await admin('POST', '/v1/suppressions', { phone: '(202) 555-0003', reason: 'asked' });
  expect(one).toMatchObject({ status: 201, body: { items: [{ phone: '+12025550003', reason: 'asked' }] } });
  const phones = ['+12025550001', '+12025550002', '+12025550003', '+12025550001'];
  const { body } = await admin('POST', '/v1/suppressions', { phones });
  expect(body.items.map(({ phone }: { phone: string }) => phone)).toEqual(phones.slice(0, 3));
  const first = await viewer('GET', '/v1/suppressions?limit=2');
  expect(first.body.items).toHaveLength(2);
  const rest = await viewer(
    'GET',
    `/v1/suppressions?cursor=${encodeURIComponent(first.body.nextCursor ?? '')}`,
  );
  expect(rest.body).toMatchObject({ items: [{ phone: '+12025550003', reason: 'asked' }], nextCursor: null });
  expect((await admin('DELETE', '/v1/suppressions/%2B12025550001')).status).toBe(204);
  expect((await admin('DELETE', '/v1/suppressions', { phone: '+12025550002' })).status).toBe(204);
  expect((await admin('DELETE', '/v1/suppressions/%2B12025550001')).status).toBe(404);
  expect((await viewer('GET', '/v1/suppressions')).body.items).toHaveLength(1);
  expect(await admin('POST', '/v1/suppressions', { phones: ['+12025550001', 'nobody'] })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'phones[1]' }] },
  });
});
