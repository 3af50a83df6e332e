import { call as callShape, callWithAttempts } from '@dialstream/shared/api/calls.js';
import { addCampaign, addTrunk, countsBothWays } from '../../support/records.js';
import { describe, expect, missingId, test, told, type Client } from './http.js';

interface Added {
  ids: string[];
  accepted: number;
  invalid: number;
  duplicates: number;
}

async function add(client: Client, campaignId: string, calls: object[]): Promise<Added> {
  const { status, body } = await client('POST', `/v1/campaigns/${campaignId}/calls`, { calls });
  expect(status).toBe(201);
  return body;
}

const phone = (n: number): string => `+1202555${String(n).padStart(4, '0')}`;

describe('adding', () => {
  test('numbers are read, what is none is kept as it was sent, doubles are told', async ({
    http,
    db,
    events,
  }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    const first = await add(operator, id, [{ phone: phone(1) }]);
    const { ids, ...numbers } = await add(operator, id, [
      { phone: '(202) 555-0002' },
      { phone: 'call me maybe' },
      { phone: phone(1) },
      { phone: '+49 30 901820', payload: { name: 'Ada' }, priority: 7, timezone: 'Europe/Berlin' },
      { phone: '202-555-0002' },
    ]);
    expect(numbers).toEqual({ accepted: 2, invalid: 1, duplicates: 2 });
    expect([ids[2], ids[4]]).toEqual([first.ids[0], ids[0]]);

    const { body } = await operator('GET', `/v1/campaigns/${id}/calls`);
    expect(body.items.map((item: object) => callShape.strict().safeParse(item).success)).not.toContain(false);
    expect(body.items.map((item: { id: string }) => item.id)).toEqual([first.ids[0], ids[0], ids[1], ids[3]]);
    expect(body.items.slice(1)).toMatchObject([
      { phone: '+12025550002', status: 'planned', reason: null, attempts: 0, attempt: null, payload: {} },
      { phone: 'call me maybe', status: 'technical_error', reason: 'invalid_number', nextAttemptAt: null },
      { phone: '+4930901820', payload: { name: 'Ada' }, priority: 7, timezone: 'Europe/Berlin' },
    ]);
    const { told: kept, counted } = await countsBothWays(db, id);
    expect(kept).toEqual(counted);
    expect(kept).toMatchObject({ planned: 3, technical_error: 1 });
    expect(told(events)).toMatchObject([
      { type: 'campaign.counts', data: { counts: { total: 1 } } },
      { type: 'campaign.counts', data: { counts: { total: 4, planned: 3, technical_error: 1 } } },
    ]);
  });

  test.for([
    [' +1 202-555-0100\u00a0', '+12025550100'],
    ['\u200e+12025550100', '+12025550100'],
    ['call +12025550100 now', null],
    ['2025550100abc', null],
    ['sip:+12025550100@example.com', null],
    ['911', null],
    ['', null],
  ])('%j is read as %s', async ([sent, e164], { http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    await add(operator, id, [{ phone: sent }]);
    const { rows } = await db.query('select phone, e164, status from calls where campaign_id = $1', [id]);
    const status = e164 === null ? 'technical_error' : 'planned';
    expect(rows).toEqual([{ phone: e164 ?? sent, e164, status }]);
  });

  test('an instant counts whatever its offset', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    await add(operator, id, [{ phone: phone(1), notBefore: '2099-01-01T00:00:00+23:59' }]);
    const { body } = await operator('GET', `/v1/campaigns/${id}/calls`);
    expect(body.items).toMatchObject([{ nextAttemptAt: '2098-12-31T00:01:00.000Z' }]);
  });

  test('a call is due now, or when it may be', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    const notBefore = '2099-01-01T10:00:00+01:00';
    await add(operator, id, [
      { phone: phone(1), notBefore },
      { phone: phone(2), notBefore: '2001-01-01T00:00:00Z' },
      {
        phone: phone(3),
        notAfter: notBefore,
        windows: [{ days: ['mon'], from: '09:00', to: '10:00' }],
        maxAttempts: 2,
        retryAfterSeconds: 60,
      },
    ]);
    const { rows } = await db.query(
      `select next_attempt_at <= now() as due, next_attempt_at = not_before as waits, not_after, windows,
        max_attempts, retry_after_seconds from calls where campaign_id = $1 order by id`,
      [id],
    );
    expect(rows).toMatchObject([
      { due: false, waits: true },
      { due: true, waits: false },
      {
        due: true,
        not_after: new Date(notBefore),
        windows: [{ days: ['mon'], from: '09:00', to: '10:00' }],
        max_attempts: 2,
        retry_after_seconds: 60,
      },
    ]);
  });

  test('numbers without a country code are those of the account’s country', async ({ http, db }) => {
    const { accountId, admin, operator } = await http.account();
    await admin('PATCH', '/v1/account', { defaultCountry: 'DE' });
    const id = await addCampaign(db, accountId, {}, 'draft');
    await add(operator, id, [{ phone: '030 901820' }]);
    const { body } = await operator('GET', `/v1/campaigns/${id}/calls`);
    expect(body.items).toMatchObject([{ phone: '+4930901820' }]);
  });

  test('ten thousand calls are added at once, and one more is too many', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    const calls = Array.from({ length: 10_000 }, (_, n) => ({ phone: phone(n) }));
    const { ids, ...numbers } = await add(operator, id, calls);
    expect(numbers).toEqual({ accepted: 10_000, invalid: 0, duplicates: 0 });
    const { rows } = await db.query<{ id: string }>(
      'select id from calls where campaign_id = $1 order by phone',
      [id],
    );
    expect(rows.map((row) => row.id)).toEqual(ids);
    const { told: kept, counted } = await countsBothWays(db, id);
    expect(kept).toEqual(counted);
    expect(
      await operator('POST', `/v1/campaigns/${id}/calls`, { calls: [...calls, calls[0]] }),
    ).toMatchObject({
      status: 422,
      body: { code: 'invalid', errors: [{ path: 'calls' }] },
    });
  });

  test('of the same numbers sent at once each becomes one call', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'draft');
    const calls = Array.from({ length: 50 }, (_, n) => ({ phone: phone(n) }));
    const answers = await Promise.all([1, 2, 3, 4].map(() => add(operator, id, calls)));
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(50);
    expect(answers.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(150);
    for (const { ids } of answers) expect(ids).toEqual(answers[0]?.ids);
  });

  test('a finished campaign takes none', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, {}, 'finished');
    expect(
      await operator('POST', `/v1/campaigns/${id}/calls`, { calls: [{ phone: phone(1) }] }),
    ).toMatchObject({
      status: 409,
      body: { code: 'illegal_transition' },
    });
  });

  test('a campaign in progress that gets only what cannot be dialed is finished', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId);
    await add(operator, id, [{ phone: 'x' }]);
    expect((await operator('GET', `/v1/campaigns/${id}`)).body).toMatchObject({
      status: 'finished',
      statusReason: { code: 'completed' },
    });
  });
});

test('calls are listed by status, by digits of the phone and in pages', async ({ http, db }) => {
  const { accountId, viewer, operator } = await http.account();
  const id = await addCampaign(db, accountId, {}, 'draft');
  const { ids } = await add(
    operator,
    id,
    [...Array(5).keys()].map((n) => ({ phone: phone(n) })),
  );
  await add(operator, id, [{ phone: 'x' }]);
  const listed = async (query: string) => {
    const { body } = await viewer('GET', `/v1/campaigns/${id}/calls?${query}`);
    return { ids: body.items.map((item: { id: string }) => item.id), next: body.nextCursor };
  };
  expect(await listed('status=planned')).toEqual({ ids, next: null });
  expect((await listed('status=technical_error,answered')).ids).toHaveLength(1);
  expect(await listed('q=555-0003')).toEqual({ ids: [ids[3]], next: null });
  const first = await listed('status=planned&limit=3');
  expect(first.ids).toEqual(ids.slice(0, 3));
  expect(await listed(`status=planned&limit=2&cursor=${first.next}`)).toEqual({
    ids: ids.slice(3),
    next: null,
  });
});

test('a call shows its attempts', async ({ http, db }) => {
  const { accountId, viewer, operator } = await http.account();
  const campaignId = await addCampaign(db, accountId);
  const trunkId = await addTrunk(db, accountId, {});
  const { ids } = await add(operator, campaignId, [{ phone: phone(1) }]);
  await db.query(
    `insert into attempts (id, call_id, campaign_id, account_id, number, state, trunk_id, caller_id, dialer_id,
        sip_call_id, sip_from_tag, ringing_at, answered_at, ended_at, talk_ms, billed_seconds, disposition, charged,
        sip_code, sip_phrase, rule)
      values ($1, $2, $3, $4, 1, 'completed', $5, '+12025550100', $1, 'call-id', 'tag', now(), now(), now(), 4200, 5,
        'answered', true, 200, 'OK', 'ok')`,
    [missingId, ids[0], campaignId, accountId, trunkId],
  );
  const { status, body } = await viewer('GET', `/v1/calls/${ids[0]}`);
  expect(status).toBe(200);
  expect(callWithAttempts.strict().safeParse(body).error).toBeUndefined();
  expect(body.attemptList).toMatchObject([
    {
      number: 1,
      state: 'completed',
      trunkId,
      callerId: '+12025550100',
      talkSeconds: 4.2,
      billedSeconds: 5,
      disposition: 'answered',
      sip: { code: 200, phrase: 'OK', q850: null, callId: 'call-id' },
      rule: 'ok',
    },
  ]);
});

describe('cancelling', () => {
  test('what waits is ended by id or phone, what is under way or over goes on', async ({
    http,
    db,
    events,
  }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId, { keepOpen: true });
    const { ids } = await add(
      operator,
      id,
      [...Array(5).keys()].map((n) => ({ phone: phone(n) })),
    );
    await db.query(`update calls set attempts = 1, status = 'retry_scheduled' where id = $1`, [ids[1]]);
    await db.query('update calls set next_attempt_at = null, attempt_id = $2 where id = $1', [
      ids[2],
      missingId,
    ]);
    const { status, body } = await operator('POST', `/v1/campaigns/${id}/calls/cancel`, {
      ids: [ids[0], ids[2], missingId],
      phones: ['202 555 0001', 'none'],
    });
    expect([status, body]).toEqual([200, { cancelled: 2 }]);
    const { rows } = await db.query('select status, reason from calls where campaign_id = $1 order by id', [
      id,
    ]);
    expect(rows).toEqual([
      { status: 'not_dialed', reason: 'cancelled' },
      { status: 'completed_without_answer', reason: 'cancelled' },
      { status: 'planned', reason: null },
      { status: 'planned', reason: null },
      { status: 'planned', reason: null },
    ]);
    const { told: kept, counted } = await countsBothWays(db, id);
    expect(kept).toEqual(counted);
    expect(
      told(events)
        .slice(1)
        .map(({ type }) => type),
    ).toEqual(['call.status_changed', 'call.status_changed', 'campaign.counts']);
  });

  test('the last ones finish a campaign in progress', async ({ http, db }) => {
    const { accountId, operator } = await http.account();
    const id = await addCampaign(db, accountId);
    const { ids } = await add(operator, id, [{ phone: phone(1) }]);
    await operator('POST', `/v1/campaigns/${id}/calls/cancel`, { ids });
    expect((await operator('GET', `/v1/campaigns/${id}`)).body.status).toBe('finished');
  });
});
