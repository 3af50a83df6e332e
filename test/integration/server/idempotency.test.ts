import { addCampaign } from '../../support/records.js';
import { expect, test, type Answer, type Client } from './http.js';

const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });

function plain({ status, body, headers }: Answer) {
  return { status, body, type: headers['content-type'] };
}

test('the same key and body give the same answer, and one campaign', async ({ http, events }) => {
  const { operator } = await http.account();
  const make = (name: string) => operator('POST', '/v1/campaigns', { name }, keyed('make-1'));
  const first = await make('One');
  expect(first.status).toBe(201);
  await operator('PATCH', `/v1/campaigns/${first.body.id}`, { name: 'Renamed' });
  expect(plain(await make('One'))).toEqual(plain(first));
  expect((await operator('GET', '/v1/campaigns')).body.items).toHaveLength(1);
  expect(events).toHaveLength(2);
  expect(await make('Two')).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  const elsewhere = await operator(
    'POST',
    `/v1/campaigns/${first.body.id}/schedule`,
    { name: 'One' },
    keyed('make-1'),
  );
  expect(elsewhere.status).toBe(422);
});

test('requests with one key at once do the work once', async ({ http, db }) => {
  const { accountId, operator } = await http.account();
  const id = await addCampaign(db, accountId, {}, 'draft');
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => operator('POST', '/v1/campaigns', { name: 'Race' }, keyed('race'))),
  );
  const [first] = answers;
  if (!first) throw new Error('no answer');
  for (const answer of answers) expect(plain(answer)).toEqual(plain(first));
  const { rows } = await db.query('select id from campaigns where account_id = $1 and id <> $2', [
    accountId,
    id,
  ]);
  expect(rows).toEqual([{ id: first.body.id }]);

  const calls = [{ phone: '+12025550001' }, { phone: 'none' }];
  const adds = await Promise.all(
    Array.from({ length: 8 }, () => operator('POST', `/v1/campaigns/${id}/calls`, { calls }, keyed('calls'))),
  );
  for (const answer of adds) expect(plain(answer)).toEqual(plain(adds[0] ?? answer));
  expect((await operator('GET', `/v1/campaigns/${id}`)).body.counts).toMatchObject({
    total: 2,
    planned: 1,
    technical_error: 1,
  });
});

test('a refusal is an answer, too', async ({ http, db, events }) => {
  const { accountId, operator } = await http.account();
  const id = await addCampaign(db, accountId, {}, 'draft');
  const pause = () => operator('POST', `/v1/campaigns/${id}/pause`, {}, keyed('pause'));
  const first = await pause();
  expect(first).toMatchObject({ status: 409, body: { code: 'illegal_transition' } });
  await operator('POST', `/v1/campaigns/${id}/schedule`);
  expect(plain(await pause())).toEqual(plain(first));
  expect((await operator('GET', `/v1/campaigns/${id}`)).body.status).toBe('in_progress');
  expect(events).toHaveLength(2);
});

test('a secret is given again to its key, and is not kept in clear', async ({ http, db }) => {
  const { admin, accountId } = await http.account();
  const make = (client: Client) =>
    client('POST', '/v1/keys', { name: 'CRM', role: 'viewer' }, keyed('key-1'));
  const first = await make(admin);
  expect(first.status).toBe(201);
  expect(plain(await make(admin))).toEqual(plain(first));
  const { rows } = await db.query<{ response: string }>(
    'select response from idempotency_keys where account_id = $1',
    [accountId],
  );
  expect(rows).toHaveLength(1);
  const stored = rows[0]?.response ?? '';
  expect(stored).not.toContain(first.body.key);
  expect(Buffer.from(stored, 'base64').toString('latin1')).not.toContain('CRM');
});

test('each API key has its own idempotency keys', async ({ http }) => {
  const [one, two] = [await http.account(), await http.account()];
  for (const client of [one.operator, one.admin, two.operator]) {
    const { status } = await client('POST', '/v1/campaigns', { name: 'Mine' }, keyed('shared'));
    expect(status).toBe(201);
  }
  expect((await one.viewer('GET', '/v1/campaigns')).body.items).toHaveLength(2);
  expect((await two.viewer('GET', '/v1/campaigns')).body.items).toHaveLength(1);
});

test('after a day a key is free again', async ({ http, db }) => {
  const { operator, accountId } = await http.account();
  const make = () => operator('POST', '/v1/campaigns', { name: 'Daily' }, keyed('daily'));
  const first = await make();
  await db.query(`update idempotency_keys set created_at = now() - interval '25 h' where account_id = $1`, [
    accountId,
  ]);
  const second = await make();
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
});

test('invalid requests take no key, and a key has an end', async ({ http }) => {
  const { operator } = await http.account();
  expect((await operator('POST', '/v1/campaigns', {}, keyed('fix-me'))).status).toBe(422);
  expect((await operator('POST', '/v1/campaigns', { name: 'Fixed' }, keyed('fix-me'))).status).toBe(201);
  expect(await operator('POST', '/v1/campaigns', { name: 'x' }, keyed('k'.repeat(256)))).toMatchObject({
    status: 400,
    body: { code: 'bad_request' },
  });
});
