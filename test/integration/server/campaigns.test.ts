import { campaign as campaignShape } from '@dialstream/shared/api/campaigns.js';
import { addCalls, addTrunk, countsBothWays } from '../../support/records.js';
import { describe, expect, missingId, test, told, type Client } from './http.js';

async function draft(client: Client, settings: object = {}) {
  const made = await client('POST', '/v1/campaigns', { name: 'October', ...settings });
  expect(made.status).toBe(201);
  return made.body as { id: string; version: number; status: string };
}

test('a campaign is made with defaults for all but its name', async ({ http, events }) => {
  const { operator } = await http.account();
  const { status, body } = await operator('POST', '/v1/campaigns', { name: 'October reminder' });
  expect(status).toBe(201);
  expect(campaignShape.strict().safeParse(body).error).toBeUndefined();
  expect(body).toMatchObject({
    name: 'October reminder',
    status: 'draft',
    statusReason: { code: 'created', actor: 'operator' },
    version: 1,
    trunkIds: [],
    callerIds: [],
    schedule: { startAt: null, endAt: null, timezone: 'UTC', windows: [], excludedDates: [] },
    retry: { maxAttempts: 3, afterSeconds: 1800, rules: {} },
    pacing: { maxConcurrent: 50, callsPerSecond: 10 },
    keepOpen: false,
    counts: { total: 0, planned: 0 },
    startedAt: null,
    finishedAt: null,
  });
  expect(told(events)).toMatchObject([
    {
      type: 'campaign.created',
      data: { campaignId: body.id, name: 'October reminder', reason: body.statusReason, version: 1 },
    },
  ]);
  expect(body.statusReason.at).toBe(body.createdAt);
  expect((await operator('GET', `/v1/campaigns/${body.id}`)).body).toEqual(body);
});

test('campaigns are listed newest first, by status and in pages', async ({ http }) => {
  const { operator } = await http.account();
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.unshift((await draft(operator, { name: `No. ${n}` })).id);
  await operator('POST', `/v1/campaigns/${ids[1]}/schedule`, { startAt: '2099-01-01T00:00:00Z' });

  const listed = async (query: string) => {
    const { body } = await operator('GET', `/v1/campaigns${query}`);
    return { ids: body.items.map(({ id }: { id: string }) => id), next: body.nextCursor };
  };
  expect(await listed('')).toEqual({ ids, next: null });
  expect(await listed('?status=planned')).toEqual({ ids: [ids[1]], next: null });
  expect(await listed('?status=draft,planned&limit=5')).toEqual({ ids, next: null });
  const first = await listed('?limit=2');
  expect(first.ids).toEqual(ids.slice(0, 2));
  const second = await listed(`?limit=3&cursor=${first.next}`);
  expect(second).toEqual({ ids: ids.slice(2), next: null });
});

test('a patch changes what it names, counts the version up and is told', async ({ http, events }) => {
  const { operator } = await http.account();
  const { id } = await draft(operator, { pacing: { maxConcurrent: 7, callsPerSecond: 3 } });
  const { status, body } = await operator('PATCH', `/v1/campaigns/${id}`, {
    name: 'November',
    pacing: { callsPerSecond: 5 },
    schedule: { endAt: '2099-01-01T02:00:00+01:00' },
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    name: 'November',
    version: 2,
    pacing: { maxConcurrent: 7, callsPerSecond: 5 },
    schedule: { endAt: '2099-01-01T01:00:00.000Z' },
  });
  expect(told(events).at(-1)).toMatchObject({
    type: 'campaign.updated',
    data: { name: 'November', version: 2 },
  });
});

test('If-Match is honoured by PATCH, actions and DELETE', async ({ http }) => {
  const { operator } = await http.account();
  const { id } = await draft(operator);
  const wrong = { headers: { 'if-match': '"7"' } };
  const path = `/v1/campaigns/${id}`;
  for (const [method, url, body] of [
    ['PATCH', path, { name: 'Other' }],
    ['POST', `${path}/schedule`, {}],
    ['DELETE', path, undefined],
  ] as const) {
    expect(await operator(method, url, body, wrong)).toMatchObject({
      status: 409,
      body: { code: 'version_mismatch', status: 409 },
    });
  }
  const { headers } = await operator('GET', path);
  expect(headers['etag']).toBe('"1"');
  const right = { headers: { 'if-match': '"1"' } };
  expect((await operator('PATCH', path, { name: 'Other' }, right)).status).toBe(200);
  expect((await operator('PATCH', path, { name: 'Third' }, right)).status).toBe(409);
  expect((await operator('DELETE', path, undefined, { headers: { 'if-match': '"2"' } })).status).toBe(204);
});

test('of two patches of one version one is accepted', async ({ http }) => {
  const { operator } = await http.account();
  const { id } = await draft(operator);
  const patch = (name: string) =>
    operator('PATCH', `/v1/campaigns/${id}`, { name }, { headers: { 'if-match': '"1"' } });
  const answers = await Promise.all(['a', 'b', 'c'].map(patch));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
});

describe('actions', () => {
  test('a campaign goes from draft to finished', async ({ http, events }) => {
    const { operator } = await http.account();
    const { id } = await draft(operator);
    const act = async (action: string, body: object = {}) => {
      const answer = await operator('POST', `/v1/campaigns/${id}/${action}`, body);
      expect(answer.status, action).toBe(200);
      return answer.body;
    };
    const startAt = '2099-05-01T12:00:00+02:00';
    expect(await act('schedule', { startAt })).toMatchObject({
      status: 'planned',
      statusReason: { code: 'scheduled', actor: 'operator' },
      schedule: { startAt: '2099-05-01T10:00:00.000Z' },
    });
    expect(await act('unschedule')).toMatchObject({ status: 'draft', schedule: { startAt: null } });
    const started = await act('schedule');
    expect(started).toMatchObject({ status: 'in_progress', statusReason: { code: 'started' } });
    expect(started.startedAt).not.toBeNull();
    expect(await act('pause')).toMatchObject({ status: 'paused', statusReason: { code: 'manual' } });
    expect(await act('resume')).toMatchObject({ status: 'in_progress', statusReason: { code: 'resumed' } });
    const finished = await act('finish');
    expect(finished).toMatchObject({ status: 'finished', statusReason: { code: 'manual' }, version: 8 });
    expect(finished.finishedAt).not.toBeNull();
    const changes = told(events).filter(({ type }) => type === 'campaign.status_changed');
    expect(changes.map(({ data }) => `${String(data['from'])} ${String(data['to'])}`)).toEqual([
      'draft planned',
      'planned draft',
      'draft planned',
      'planned in_progress',
      'in_progress paused',
      'paused in_progress',
      'in_progress finished',
    ]);
    expect(changes.map(({ data }) => data['version'])).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test('a start in the past is now, and the body may be left out', async ({ http }) => {
    const { operator } = await http.account();
    const [past, bare] = [await draft(operator), await draft(operator)];
    const url = (id: string) => `/v1/campaigns/${id}/schedule`;
    const inPast = await operator('POST', url(past.id), { startAt: '2001-01-01T00:00:00Z' });
    expect(inPast.body).toMatchObject({ status: 'in_progress' });
    expect(Date.parse(inPast.body.schedule.startAt ?? '')).toBeGreaterThan(Date.UTC(2020));
    expect((await operator('POST', url(bare.id))).body).toMatchObject({ status: 'in_progress' });
  });

  test.for([
    ['draft', 'pause'],
    ['draft', 'resume'],
    ['draft', 'finish'],
    ['draft', 'unschedule'],
    ['in_progress', 'schedule'],
    ['in_progress', 'unschedule'],
    ['in_progress', 'resume'],
    ['finished', 'schedule'],
    ['finished', 'pause'],
    ['finished', 'finish'],
  ] as const)('a campaign that is %s refuses to %s', async ([status, action], { http, db }) => {
    const { operator } = await http.account();
    const { id } = await draft(operator);
    await db.query('update campaigns set status = $2 where id = $1', [id, status]);
    expect(await operator('POST', `/v1/campaigns/${id}/${action}`)).toMatchObject({
      status: 409,
      body: { code: 'illegal_transition' },
    });
    expect((await operator('GET', `/v1/campaigns/${id}`)).body).toMatchObject({ status, version: 1 });
  });

  test('resuming is refused while minutes or all trunks are missing', async ({ http, db }) => {
    const { operator, accountId } = await http.account();
    const { id } = await draft(operator);
    await operator('POST', `/v1/campaigns/${id}/schedule`);
    await operator('POST', `/v1/campaigns/${id}/pause`);
    const resume = () => operator('POST', `/v1/campaigns/${id}/resume`);
    await db.query('update accounts set balance_seconds = 0 where id = $1', [accountId]);
    expect(await resume()).toMatchObject({ status: 409, body: { code: 'out_of_minutes' } });
    await db.query('update accounts set balance_seconds = 60 where id = $1', [accountId]);
    const trunkId = await addTrunk(db, accountId, {});
    await db.query(`update trunks set status = 'down' where id = $1`, [trunkId]);
    expect(await resume()).toMatchObject({ status: 409, body: { code: 'system_failure' } });
    await db.query(`update trunks set status = 'up' where id = $1`, [trunkId]);
    expect((await resume()).status).toBe(200);
  });

  test('finishing ends the calls that wait, and the counts stay equal to them', async ({
    http,
    db,
    events,
  }) => {
    const { operator, accountId } = await http.account();
    const { id } = await draft(operator);
    await addCalls(db, accountId, id, 3);
    await operator('POST', `/v1/campaigns/${id}/schedule`);
    const { body } = await operator('POST', `/v1/campaigns/${id}/finish`);
    expect(body.counts).toMatchObject({ total: 3, not_dialed: 3, planned: 0 });
    const { told: kept, counted } = await countsBothWays(db, id);
    expect(kept).toEqual(counted);
    expect(told(events).filter(({ type }) => type === 'call.status_changed')).toHaveLength(3);
  });
});

describe('deleting', () => {
  test('a running campaign is finished first, then gone', async ({ http, events }) => {
    const { operator } = await http.account();
    const { id } = await draft(operator);
    await operator('POST', `/v1/campaigns/${id}/schedule`);
    const path = `/v1/campaigns/${id}`;
    const { status, body } = await operator('DELETE', path);
    expect([status, body]).toEqual([204, '']);
    const [finished, deleted] = told(events)
      .filter(({ type }) => type !== 'campaign.counts')
      .slice(-2);
    expect(finished).toMatchObject({
      data: { to: 'finished', reason: { code: 'deleted', actor: 'operator' } },
    });
    expect(deleted).toMatchObject({ type: 'campaign.deleted', data: { campaignId: id, version: 5 } });
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const answer = await operator(method, path, method === 'PATCH' ? { name: 'x' } : undefined);
      expect(answer, method).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await operator('GET', '/v1/campaigns')).body.items).toEqual([]);
  });

  test('a draft is gone at once', async ({ http, events }) => {
    const { operator } = await http.account();
    const { id } = await draft(operator);
    expect((await operator('DELETE', `/v1/campaigns/${id}`)).status).toBe(204);
    expect(told(events).map(({ type }) => type)).toEqual(['campaign.created', 'campaign.deleted']);
  });
});

test('a finished campaign can only be renamed', async ({ http, db }) => {
  const { operator } = await http.account();
  const { id } = await draft(operator);
  await db.query(`update campaigns set status = 'finished' where id = $1`, [id]);
  const path = `/v1/campaigns/${id}`;
  expect(await operator('PATCH', path, { keepOpen: true })).toMatchObject({
    status: 409,
    body: { code: 'illegal_transition' },
  });
  expect(await operator('PATCH', path, { name: 'Old' })).toMatchObject({
    status: 200,
    body: { name: 'Old' },
  });
});

test('trunks must be the account’s own', async ({ http, db }) => {
  const [mine, theirs] = [await http.account(), await http.account()];
  const own = await addTrunk(db, mine.accountId, {});
  const foreign = await addTrunk(db, theirs.accountId, {});
  const refused = {
    status: 422,
    body: { code: 'invalid', errors: [{ path: 'trunkIds[1]' }, { path: 'trunkIds[2]' }] },
  };
  const trunkIds = [own, foreign, missingId];
  expect(await mine.operator('POST', '/v1/campaigns', { name: 'x', trunkIds })).toMatchObject(refused);
  const { id } = await draft(mine.operator, { trunkIds: [own] });
  expect(await mine.operator('PATCH', `/v1/campaigns/${id}`, { trunkIds })).toMatchObject(refused);
  expect((await mine.operator('GET', `/v1/campaigns/${id}`)).body).toMatchObject({
    trunkIds: [own],
    version: 1,
  });
});
