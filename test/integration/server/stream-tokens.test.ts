import {
  createFindPrincipal,
  createAuthenticate,
  createAuthenticateStream,
} from '@dialstream/server/auth.js';
import { createStreamTokens } from '@dialstream/server/stream-tokens.js';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { addCampaign } from '../../support/records.js';
import { describe, expect, expectProblem, missingId, test } from './http.js';

/** A stream's authentication of another server of the installation. */
function otherServer(db: Parameters<typeof createStreamTokens>[0]) {
  return createAuthenticateStream(
    createAuthenticate(db, 0),
    createFindPrincipal(db, 0),
    createStreamTokens(db),
  );
}

describe('a stream token', () => {
  test('acts for its key, on every server of the installation', async ({ http, db }) => {
    const { accountId, viewer } = await http.account();
    const { status, body } = await viewer('POST', '/v1/stream-tokens', { ttlSeconds: 60 });
    expect(status).toBe(201);
    const rights = await otherServer(db)(body.token);
    expect(rights).toMatchObject({ principal: { accountId, role: 'viewer' }, topics: null });
    expect(rights?.expiresAt?.toISOString()).toBe(body.expiresAt);
    const seconds = (Date.parse(body.expiresAt) - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThan(62);
  });

  test('lasts an hour unless it is said, and carries nothing secret', async ({ http }) => {
    const { operator } = await http.account();
    const { body } = await operator('POST', '/v1/stream-tokens', {});
    const { iat = 0, exp = 0, ...rest } = decodeJwt(body.token);
    expect(exp - iat).toBeGreaterThanOrEqual(3_600);
    expect(exp - iat).toBeLessThanOrEqual(3_601);
    expect(rest).toEqual({ iss: 'dialstream', aud: 'stream', sub: expect.any(String) });
  });

  test('is no key: it opens nothing over HTTP', async ({ http }) => {
    const { admin } = await http.account();
    const { body } = await admin('POST', '/v1/stream-tokens', {});
    expectProblem(await http.as(body.token)('GET', '/v1/campaigns'), 401, 'unauthorized');
  });

  test('is limited to the topics that it names', async ({ http, db }) => {
    const { accountId, viewer } = await http.account();
    const topics = ['campaigns', `campaign:${await addCampaign(db, accountId)}`];
    const { body } = await viewer('POST', '/v1/stream-tokens', { topics });
    expect(await otherServer(db)(body.token)).toMatchObject({ topics });
  });

  test('grants no topic that its key may not have', async ({ http, db }) => {
    const [ours, theirs] = [await http.account(), await http.account()];
    const foreign = await addCampaign(db, theirs.accountId);
    const ask = (topic: string) => ours.viewer('POST', '/v1/stream-tokens', { topics: [topic] });
    expectProblem(await ask(`campaign:${foreign}`), 404, 'not_found');
    expectProblem(await ask(`campaign:${missingId}`), 404, 'not_found');
    expectProblem(await ask('system'), 403, 'forbidden');
    expect((await ours.admin('POST', '/v1/stream-tokens', { topics: ['system'] })).status).toBe(201);
  });

  test.for([
    [{ topics: [] }, 'topics'],
    [{ topics: ['campaigns', 'calls'] }, 'topics[1]'],
    [{ topics: 'campaigns' }, 'topics'],
    [{ ttlSeconds: 0 }, 'ttlSeconds'],
    [{ ttlSeconds: 100_000 }, 'ttlSeconds'],
    [{ ttl: 60 }, 'ttl'],
  ] as const)('%j is told as invalid at %s', async ([body, path], { http }) => {
    const { viewer } = await http.account();
    const answer = await viewer('POST', '/v1/stream-tokens', body);
    expectProblem(answer, 422, 'invalid');
    expect(answer.body.errors).toMatchObject([{ path }]);
  });

  test('falls with its key', async ({ http, db }) => {
    const { admin } = await http.account();
    const { body: key } = await admin('POST', '/v1/keys', { name: 'Shop', role: 'viewer' });
    const { body } = await http.as(key.key)('POST', '/v1/stream-tokens', {});
    expect(await otherServer(db)(body.token)).not.toBeNull();
    await admin('DELETE', `/v1/keys/${key.id}`);
    expect(await otherServer(db)(body.token)).toBeNull();
  });

  test('signed by anybody else, in another way, or too old is none', async ({ http, db }) => {
    const { viewer } = await http.account();
    const { body } = await viewer('POST', '/v1/stream-tokens', {});
    const authenticate = otherServer(db);
    const { sub = '' } = decodeJwt(body.token);
    expect(decodeProtectedHeader(body.token)).toEqual({ alg: 'HS256' });
    const [head = '', payload = ''] = body.token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const sign = (secret: Uint8Array, expiry: number, audience = 'stream') =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('dialstream')
        .setAudience(audience)
        .setSubject(sub)
        .setExpirationTime(expiry)
        .sign(secret);
    const later = Math.floor(Date.now() / 1_000) + 60;
    const { rows } = await db.query<{ secret: Buffer }>('select secret from signing_secrets');
    const secret = rows[0]?.secret ?? Buffer.alloc(32);
    expect(await authenticate(await sign(secret, later))).not.toBeNull();
    const forged = [
      `${none}.${payload}.`,
      `${none}.${payload}.x`,
      `${head}.${payload}.AAAA`,
      await sign(Buffer.alloc(32, 1), later),
      await sign(secret, later - 120),
      await sign(secret, later, 'http'),
    ];
    expect(await Promise.all(forged.map(authenticate))).toEqual(forged.map(() => null));
  });
});

describe('the address of the stream, asked without an upgrade', () => {
  test('tells whether the token would do', async ({ http }) => {
    const { viewer } = await http.account();
    const { body } = await viewer('POST', '/v1/stream-tokens', {});
    const nobody = http.as(null);
    expectProblem(await nobody('GET', '/v1/stream?token=wrong'), 401, 'unauthorized');
    expectProblem(await nobody('GET', '/v1/stream'), 401, 'unauthorized');
    const answer = await nobody('GET', `/v1/stream?token=${body.token}`);
    expectProblem(answer, 426, 'upgrade_required');
    expect(answer.headers['upgrade']).toBe('websocket');
    expectProblem(await http.as(body.token)('GET', '/v1/stream'), 426, 'upgrade_required');
  });
});
