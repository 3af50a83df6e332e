import { createHttpClient, type Campaign, type HttpClient } from '@dialstream/client-sdk';
import { ensureRootAccount } from '@dialstream/shared/db/accounts.js';
import { missingId } from '../server/http.js';
import { describe, expect, test as base, type Installation } from './installation.js';

const test = base.extend('client', async ({ installation: { url, account } }) =>
  createHttpClient({ url, key: (await account()).key }),
);

/** `METHOD /path` of every route below /v1, from the tree that Fastify prints. */
function routesOf({ http: { app } }: Installation): string[] {
  const routes: string[] = [];
  const parts: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods = ''] = /^([│├└─ ]*)(\S+) \((.*)\)$/.exec(line) ?? [];
    parts.length = indent.length / 4;
    parts.push(part);
    const path = parts.join('').replace(/^\/\/?/, '/');
    if (!path.startsWith('/v1/')) continue;
    for (const method of methods.split(', ')) if (method !== 'HEAD') routes.push(`${method} ${path}`);
  }
  return routes;
}

/** A client's requests as routes, whatever becomes of them. */
async function requestsOf(call: (client: HttpClient) => Promise<unknown>[]): Promise<Set<string>> {
  const seen = new Set<string>();
  const client = createHttpClient({
    url: 'http://server',
    key: 'key',
    fetch: async (url, init) => {
      const { pathname } = new URL(url as string);
      seen.add(`${init?.method} ${pathname.replace(/[0-9a-f-]{36}/, ':id').replace('%2B1', ':phone')}`);
      return new Response('{"items":[],"nextCursor":null}');
    },
  });
  await Promise.all(call(client));
  return seen;
}

test('there is a call for every route', async ({ installation }) => {
  const id = missingId;
  const asked = await requestsOf(
    ({ campaigns, calls, trunks, suppressions, account, accounts, keys, streamTokens }) => [
      campaigns.list(),
      campaigns.get(id),
      campaigns.create({ name: 'x' }),
      campaigns.patch(id, {}),
      campaigns.delete(id),
      campaigns.schedule(id),
      campaigns.unschedule(id),
      campaigns.pause(id),
      campaigns.resume(id),
      campaigns.finish(id),
      calls.list(id),
      calls.get(id),
      calls.add(id, []),
      calls.cancel(id, {}),
      trunks.list(),
      trunks.get(id),
      trunks.create({ name: 'x', host: 'x' }),
      trunks.patch(id, {}),
      trunks.delete(id),
      suppressions.list(),
      suppressions.add({}),
      suppressions.delete('+1'),
      account.get(),
      account.patch({}),
      accounts.list(),
      accounts.create({ name: 'x' }),
      accounts.patch(id, {}),
      keys.list(),
      keys.create({ name: 'x', role: 'viewer' }),
      keys.delete(id),
      streamTokens.create(),
    ],
  );
  // One is for callers to whom a + in a path is too much; the other tells why a WebSocket was refused.
  const others = new Set(['DELETE /v1/suppressions', 'GET /v1/stream']);
  const routes = routesOf(installation).filter((route) => !others.has(route));
  expect(routes.length).toBeGreaterThan(25);
  expect([...asked].toSorted()).toEqual(routes.toSorted());
});

test('a campaign goes through its life', async ({ client: { campaigns, calls } }) => {
  const draft: Campaign = await campaigns.create({ name: 'October', pacing: { maxConcurrent: 3 } });
  expect(draft).toMatchObject({ status: 'draft', pacing: { maxConcurrent: 3, callsPerSecond: 10 } });
  const added = await calls.add(draft.id, [{ phone: '+12025550123', priority: 5 }, { phone: 'nonsense' }]);
  expect(added).toMatchObject({ accepted: 1, invalid: 1, duplicates: 0 });
  const call = await calls.get(added.ids[0] ?? '');
  expect(call).toMatchObject({ phone: '+12025550123', priority: 5, attemptList: [] });
  expect(await campaigns.patch(draft.id, { keepOpen: true })).toMatchObject({ keepOpen: true });
  expect(await campaigns.schedule(draft.id, { startAt: '2099-01-01T09:00:00Z' })).toMatchObject({
    status: 'planned',
  });
  expect(await campaigns.unschedule(draft.id)).toMatchObject({ status: 'draft' });
  expect(await campaigns.schedule(draft.id)).toMatchObject({ status: 'in_progress' });
  expect(await campaigns.pause(draft.id)).toMatchObject({ status: 'paused' });
  expect(await campaigns.resume(draft.id)).toMatchObject({ status: 'in_progress' });
  expect(await calls.cancel(draft.id, { phones: ['+12025550123'] })).toEqual({ cancelled: 1 });
  expect(await campaigns.finish(draft.id)).toMatchObject({ status: 'finished', counts: { not_dialed: 1 } });
  expect(await campaigns.delete(draft.id)).toBeUndefined();
  await expect(campaigns.get(draft.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
});

test('lists are had by pages, and whole', async ({ client: { campaigns, calls } }) => {
  const names: string[] = [];
  for (let n = 1; n <= 5; n += 1) names.unshift((await campaigns.create({ name: `No. ${n}` })).name);
  const first = await campaigns.list({ limit: 2 });
  expect(first.items.map(({ name }) => name)).toEqual(names.slice(0, 2));
  const second = await campaigns.list({ limit: 2, cursor: first.nextCursor ?? '' });
  expect(second.items.map(({ name }) => name)).toEqual(names.slice(2, 4));
  const all: string[] = [];
  for await (const { name } of campaigns.all({ limit: 2 })) all.push(name);
  expect(all).toEqual(names);
  const rest: string[] = [];
  for await (const { name } of campaigns.all({ cursor: first.nextCursor ?? '' })) rest.push(name);
  expect(rest).toEqual(names.slice(2));

  const id = first.items[0]?.id ?? '';
  await calls.add(id, [{ phone: '+12025550101' }, { phone: '+12025550202' }, { phone: 'nonsense' }]);
  expect((await calls.list(id, { q: '0202' })).items).toMatchObject([{ phone: '+12025550202' }]);
  const planned: string[] = [];
  for await (const { status } of calls.all(id, { status: ['planned', 'technical_error'], limit: 1 })) {
    planned.push(status);
  }
  expect(planned.toSorted()).toEqual(['planned', 'planned', 'technical_error']);
  expect((await campaigns.list({ status: ['paused', 'finished'] })).items).toEqual([]);
});

test('trunks, suppressions, keys and the account are kept', async ({ client, installation }) => {
  const { trunks, suppressions, keys, account } = client;
  const trunk = await trunks.create({ name: 'Carrier', host: 'sip.example.net', password: 'secret' });
  expect(trunk).toMatchObject({ port: 5060, transport: 'udp' });
  expect(trunk).not.toHaveProperty('password');
  expect(await trunks.patch(trunk.id, { weight: 7 })).toMatchObject({ name: 'Carrier', weight: 7 });
  expect(await trunks.get(trunk.id)).toMatchObject({ weight: 7 });
  await trunks.delete(trunk.id);
  expect((await trunks.list()).items).toEqual([]);

  const suppressed = await suppressions.add({ phones: ['+12025550101', '+12025550102'], reason: 'asked' });
  expect(suppressed.items).toHaveLength(2);
  await suppressions.delete('+12025550101');
  expect((await suppressions.list()).items).toMatchObject([{ phone: '+12025550102', reason: 'asked' }]);

  const made = await keys.create({ name: 'wallboard', role: 'viewer' });
  const viewer = createHttpClient({ url: installation.url, key: async () => made.key });
  expect((await viewer.account.get()).id).toBe((await account.get()).id);
  await expect(viewer.campaigns.create({ name: 'x' })).rejects.toMatchObject({
    status: 403,
    code: 'forbidden',
  });
  await keys.delete(made.id);
  await expect(account.patch({ maxConcurrent: 1 })).rejects.toMatchObject({ code: 'forbidden' });
  expect(await account.patch({ name: 'Renamed' })).toMatchObject({ name: 'Renamed' });
});

test('the root key has accounts', async ({ installation: { url, http }, db }) => {
  await ensureRootAccount(db, http.rootKey);
  const { accounts } = createHttpClient({ url, key: http.rootKey });
  const { account, key } = await accounts.create({ name: 'New', minutes: { balance: 10 } });
  expect(account).toMatchObject({ name: 'New', minutes: { balance: 10 } });
  expect(await accounts.patch(account.id, { maxConcurrent: 4 })).toMatchObject({ maxConcurrent: 4 });
  const all: string[] = [];
  for await (const { id } of accounts.all({ limit: 1 })) all.push(id);
  expect(all).toContain(account.id);
  await expect(createHttpClient({ url, key }).accounts.list()).rejects.toMatchObject({ status: 403 });
});

describe('a request', () => {
  test('that is refused says which fields are wrong', async ({ client }) => {
    const refused = client.campaigns.create({ name: '', pacing: { callsPerSecond: 0 } });
    await expect(refused).rejects.toMatchObject({
      name: 'ApiError',
      status: 422,
      code: 'invalid',
      errors: [{ path: 'name' }, { path: 'pacing.callsPerSecond' }],
      retryAfterSeconds: null,
    });
  });

  test('with an idempotency key happens once', async ({ client: { campaigns } }) => {
    const options = { idempotencyKey: 'order 17' };
    const first = await campaigns.create({ name: 'Once' }, options);
    expect(await campaigns.create({ name: 'Once' }, options)).toEqual(first);
    expect((await campaigns.list()).items).toHaveLength(1);
    await expect(campaigns.create({ name: 'Twice' }, options)).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    });
  });

  test('for another version than there is changes nothing', async ({ client: { campaigns } }) => {
    const { id, version } = await campaigns.create({ name: 'One' });
    await campaigns.patch(id, { name: 'Two' }, { ifVersion: version });
    for (const change of [
      () => campaigns.patch(id, { name: 'Three' }, { ifVersion: version }),
      () => campaigns.schedule(id, {}, { ifVersion: version }),
      () => campaigns.delete(id, { ifVersion: version }),
    ]) {
      await expect(change()).rejects.toMatchObject({ status: 409, code: 'version_mismatch' });
    }
    expect(await campaigns.get(id)).toMatchObject({ name: 'Two', status: 'draft' });
  });

  test('without a key that holds is unauthorized', async ({ installation: { url } }) => {
    const nobody = createHttpClient({ url, key: 'ds_nobody' });
    await expect(nobody.account.get()).rejects.toMatchObject({ status: 401, code: 'unauthorized' });
  });
});
