import { addCalls, addCampaign, addTrunk } from '../../support/records.js';
import { expect, test, type Method } from './http.js';

/** Every route that names a thing, and a body that would be accepted of its owner. */
const routes: [Method, string, object?][] = [
  ['GET', '/campaigns/:campaign'],
  ['PATCH', '/campaigns/:campaign', { name: 'Taken' }],
  ['DELETE', '/campaigns/:campaign'],
  ['POST', '/campaigns/:campaign/schedule', {}],
  ['POST', '/campaigns/:campaign/unschedule', {}],
  ['POST', '/campaigns/:campaign/pause', {}],
  ['POST', '/campaigns/:campaign/resume', {}],
  ['POST', '/campaigns/:campaign/finish', {}],
  ['GET', '/campaigns/:campaign/calls'],
  ['POST', '/campaigns/:campaign/calls', { calls: [{ phone: '+12025559999' }] }],
  ['POST', '/campaigns/:campaign/calls/cancel', { phones: ['+12025550000'] }],
  ['GET', '/calls/:call'],
  ['GET', '/trunks/:trunk'],
  ['PATCH', '/trunks/:trunk', { name: 'Taken' }],
  ['DELETE', '/trunks/:trunk'],
  ['DELETE', '/keys/:key'],
  ['DELETE', '/suppressions/%2B12025550000'],
  ['GET', '/nothing'],
];

test.for(routes)(
  '%s %s of another account is not found and not touched',
  async ([method, path, body], { http, db, events }) => {
    const [mine, theirs] = [await http.account(), await http.account()];
    const campaign = await addCampaign(db, theirs.accountId);
    const [call = ''] = await addCalls(db, theirs.accountId, campaign, 1);
    const trunk = await addTrunk(db, theirs.accountId, {});
    await theirs.admin('POST', '/v1/suppressions', { phone: '+12025550000' });
    const { body: key } = await theirs.admin('POST', '/v1/keys', { name: 'Second', role: 'viewer' });
    const ids = { campaign, call, trunk, key: key.id } as Record<string, string>;
    const url = `/v1${path.replace(/:(\w+)/, (_, name: string) => ids[name] ?? '')}`;
    const state = async () => {
      const { rows } = await db.query(
        `select (select jsonb_agg(c) from campaigns c where account_id = $1) as campaigns,
        (select jsonb_agg(c) from calls c where account_id = $1) as calls,
        (select jsonb_agg(t) from trunks t where account_id = $1) as trunks,
        (select jsonb_agg(k) from api_keys k where account_id = $1) as keys,
        (select jsonb_agg(s) from suppressions s where account_id = $1) as suppressions`,
        [theirs.accountId],
      );
      return rows[0];
    };
    const before = await state();
    expect(await mine.admin(method, url, body)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await state()).toEqual(before);
    expect(events).toEqual([]);
  },
);

test.for(['campaigns', 'trunks', 'keys', 'suppressions'])(
  '%s of others are not listed',
  async (list, { http, db }) => {
    const [mine, theirs] = [await http.account(), await http.account()];
    await addCampaign(db, theirs.accountId);
    await addTrunk(db, theirs.accountId, {});
    await theirs.admin('POST', '/v1/suppressions', { phone: '+12025550000' });
    const { body } = await mine.admin('GET', `/v1/${list}`);
    expect(body.items).toHaveLength(list === 'keys' ? 3 : 0);
  },
);

test('calls of others are not cancelled through a campaign of one’s own', async ({ http, db }) => {
  const [mine, theirs] = [await http.account(), await http.account()];
  const own = await addCampaign(db, mine.accountId, { keepOpen: true });
  const ids = await addCalls(db, theirs.accountId, await addCampaign(db, theirs.accountId), 2);
  expect(await mine.admin('POST', `/v1/campaigns/${own}/calls/cancel`, { ids })).toMatchObject({
    status: 200,
    body: { cancelled: 0 },
  });
  expect((await theirs.viewer('GET', `/v1/calls/${ids[0]}`)).body).toMatchObject({ status: 'planned' });
});
