import { openApiDocument } from '@dialstream/server/documents/openapi.js';
import { readRoutes } from '@dialstream/server/documents/routes.js';
import { DocumentedAnswers } from '../../support/documented-answers.js';
import { expect, missingId, test, type Answer, type Client } from './http.js';

const document = openApiDocument(await readRoutes());

test('every operation answers as the OpenAPI document says, when it does as asked and when it refuses', async ({
  http,
}) => {
  const documented = new DocumentedAnswers(document);
  const checked =
    (client: Client): Client =>
    async (method, path, body, more) => {
      const answer = await client(method, path, body, more);
      expect([method, path, documented.faults(method, path, answer)]).toEqual([method, path, []]);
      return answer;
    };
  const clients = await http.account();
  const admin = checked(clients.admin);
  const viewer = checked(clients.viewer);
  const root = checked(await http.root());
  const nobody = checked(http.as(null));

  await askForCampaigns(admin, viewer);
  await askForCalls(admin, viewer);
  await askForTheRest(admin, root);
  for (const path of ['/healthz', '/readyz', '/metrics', '/v1/stream']) await nobody('GET', path);
  const { body } = await admin('POST', '/v1/stream-tokens', { topics: ['campaigns'] });
  expect(body).toHaveProperty('token');
  await nobody('GET', `/v1/stream?token=${(body as unknown as { token: string }).token}`);
  await viewer('POST', '/v1/stream-tokens', { topics: ['system'] });

  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  expect([...documented.seen.keys()].toSorted()).toEqual(
    operations.map(({ operationId }) => operationId).toSorted(),
  );
  const statuses = new Set([...documented.seen.values()].flatMap((seen) => [...seen]));
  expect(statuses).toEqual(new Set([200, 201, 204, 400, 401, 403, 404, 409, 422, 426, 503]));
});

async function askForCampaigns(admin: Client, viewer: Client): Promise<void> {
  const { body: campaign } = await admin('POST', '/v1/campaigns', { name: 'October reminder' });
  const path = `/v1/campaigns/${campaign.id}`;
  await admin('GET', '/v1/campaigns?status=draft&limit=1');
  await admin('GET', '/v1/campaigns?status=running');
  await viewer('POST', '/v1/campaigns', { name: 'Not mine' });
  await admin('POST', '/v1/campaigns', undefined, { raw: '{' });
  const { headers } = await viewer('GET', path);
  expect(headers['etag']).toBe('"1"');
  await viewer('GET', '/v1/campaigns/none');
  await admin('PATCH', path, { schedule: { windows: [{ days: ['mon'], from: '09:00', to: '18:00' }] } });
  await admin('PATCH', path, { name: 'Stale' }, { headers: { 'if-match': '"1"' } });
  await admin('POST', `${path}/schedule`, { startAt: '2100-01-01T00:00:00Z' });
  await admin('POST', `${path}/unschedule`);
  await admin('POST', `${path}/schedule`);
  await admin('POST', `${path}/pause`);
  await admin('POST', `${path}/pause`);
  await admin('POST', `${path}/resume`);
  await admin('POST', `${path}/finish`);
  await admin('DELETE', path, undefined, { headers: { 'if-match': '"1"' } });
  await admin('DELETE', path);
}

async function askForCalls(admin: Client, viewer: Client): Promise<void> {
  const { body: campaign } = await admin('POST', '/v1/campaigns', { name: 'With calls' });
  const path = `/v1/campaigns/${campaign.id}/calls`;
  const calls = [{ phone: '+12025550123', payload: { a: [1, null] } }, { phone: 'nonsense' }];
  const headers = { 'idempotency-key': 'once' };
  const { body } = await admin('POST', path, { calls }, { headers });
  await admin('POST', path, { calls: [] });
  await admin('POST', path, { calls: calls.slice(1) }, { headers });
  await admin('POST', `/v1/campaigns/${missingId}/calls`, { calls });
  await viewer('GET', `${path}?status=planned,technical_error&q=202`);
  for (const id of body.ids) await viewer('GET', `/v1/calls/${id}`);
  await admin('POST', `${path}/cancel`, { phones: ['+12025550123'] });
}

async function askForTheRest(admin: Client, root: Client): Promise<void> {
  const trunk = await made(admin, '/v1/trunks', {
    name: 'Carrier',
    host: 'sip.example.net',
    password: 'secret',
  });
  await admin('GET', '/v1/trunks');
  await admin('GET', trunk);
  await admin('PATCH', trunk, { port: 5070 });
  await admin('DELETE', trunk);

  await admin('POST', '/v1/suppressions', { phones: ['+12025550123', '+12025550124'] });
  await admin('GET', '/v1/suppressions');
  await admin('DELETE', '/v1/suppressions/+12025550123');
  await admin('DELETE', '/v1/suppressions', { phone: '+12025550124' });
  await admin('DELETE', '/v1/suppressions', { phone: '+12025550124' });

  const key = await made(admin, '/v1/keys', { name: 'Wallboard', role: 'viewer' });
  await admin('GET', '/v1/keys');
  await admin('DELETE', key);

  await admin('GET', '/v1/account');
  await admin('PATCH', '/v1/account', { name: 'Renamed' });
  await admin('PATCH', '/v1/account', { minutes: { balance: 1 } });
  await admin('GET', '/v1/accounts');
  await root('GET', '/v1/accounts?limit=500');
  const { body } = await root('POST', '/v1/accounts', { name: 'New', minutes: { balance: 12.5 } });
  await root('PATCH', `/v1/accounts/${body.account.id}`, { uniqueUsers: { limit: 10 } });
}

async function made(client: Client, path: string, body: object): Promise<string> {
  const answer: Answer = await client('POST', path, body);
  expect(answer.status).toBe(201);
  return `${path}/${answer.body.id}`;
}
