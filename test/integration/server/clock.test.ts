import { alone, watchDialers } from '@dialstream/server/clock/clock.js';
import {
  finishEndedCampaigns,
  pauseAbandonedCampaigns,
  startDueCampaigns,
} from '@dialstream/server/clock/work.js';
import { registerDialer } from '@dialstream/shared/db/dialers.js';
import { claimKey, removeOldKeys } from '@dialstream/shared/db/idempotency.js';
import { transaction, type Pool } from '@dialstream/shared/db/pool.js';
import { v7 as uuidv7 } from 'uuid';
import { addAccount, addCalls, addCampaign } from '../../support/records.js';
import { describe, expect, test, told } from './http.js';

async function readCampaign(db: Pool, id: string) {
  const { rows } = await db.query<{ status: string; reason_code: string; reason_actor: string }>(
    'select status, reason_code, reason_actor from campaigns where id = $1',
    [id],
  );
  return rows[0];
}

test('a planned campaign is started when its start has come, once', async ({ db, outbox, events }) => {
  const accountId = await addAccount(db);
  const due = await addCampaign(db, accountId, {}, 'planned');
  const later = await addCampaign(db, accountId, {}, 'planned');
  await db.query(`update campaigns set start_at = now() - interval '1 s' where id = $1`, [due]);
  await db.query(`update campaigns set start_at = now() + interval '1 h' where id = $1`, [later]);
  const looks = await Promise.all([1, 2, 3].map(() => startDueCampaigns({ pool: db, outbox })));
  expect(looks.reduce((sum, started) => sum + started, 0)).toBe(1);
  expect(await readCampaign(db, due)).toEqual({
    status: 'in_progress',
    reason_code: 'started',
    reason_actor: 'system',
  });
  expect(await readCampaign(db, later)).toMatchObject({ status: 'planned' });
  expect(told(events)).toMatchObject([
    { type: 'campaign.status_changed', data: { campaignId: due, from: 'planned', to: 'in_progress' } },
  ]);
});

test.for(['planned', 'in_progress', 'paused'])(
  'a campaign that is %s is finished when its end date has come',
  async (status, { db, outbox }) => {
    const accountId = await addAccount(db);
    const ended = await addCampaign(db, accountId, {}, status);
    const deleted = await addCampaign(db, accountId, {}, status);
    await addCalls(db, accountId, ended, 2);
    await db.query(`update campaigns set end_at = now() - interval '1 s' where account_id = $1`, [accountId]);
    await db.query('update campaigns set deleted_at = now() where id = $1', [deleted]);
    expect(await finishEndedCampaigns({ pool: db, outbox })).toBe(1);
    expect(await readCampaign(db, ended)).toEqual({
      status: 'finished',
      reason_code: 'end_date',
      reason_actor: 'system',
    });
    const { rows } = await db.query('select distinct status from calls where campaign_id = $1', [ended]);
    expect(rows).toEqual([{ status: 'not_dialed' }]);
  },
);

describe('without a dialer', () => {
  const longAgo = async (db: Pool, id: string) =>
    db.query(`update campaigns set reason_at = now() - interval '61 s' where id = $1`, [id]);

  test('a campaign with due calls is paused after a minute', async ({ db, outbox }) => {
    await db.query('delete from dialers');
    const accountId = await addAccount(db);
    const waiting = await addCampaign(db, accountId);
    const idle = await addCampaign(db, accountId);
    const young = await addCampaign(db, accountId);
    await addCalls(db, accountId, waiting, 1);
    await addCalls(db, accountId, young, 1);
    await longAgo(db, waiting);
    await longAgo(db, idle);
    expect(await pauseAbandonedCampaigns({ pool: db, outbox })).toBe(1);
    expect(await readCampaign(db, waiting)).toEqual({
      status: 'paused',
      reason_code: 'system_failure',
      reason_actor: 'system',
    });
    for (const id of [idle, young])
      expect(await readCampaign(db, id)).toMatchObject({ status: 'in_progress' });
  });

  test('a dialer that was alive within the minute keeps campaigns going', async ({ db, outbox }) => {
    await registerDialer(db, uuidv7(), 'test', 1);
    await db.query(`update dialers set alive_until = now() - interval '50 s'`);
    const accountId = await addAccount(db);
    const id = await addCampaign(db, accountId);
    await addCalls(db, accountId, id, 1);
    await longAgo(db, id);
    expect(await pauseAbandonedCampaigns({ pool: db, outbox })).toBe(0);
    await db.query(`update dialers set alive_until = now() - interval '70 s'`);
    expect(await pauseAbandonedCampaigns({ pool: db, outbox })).toBe(1);
  });

  test('a server that has just begun to look gives them their time', async ({ db }) => {
    await db.query('delete from dialers');
    let now = 5_000;
    const dialers = watchDialers(db, () => now);
    expect(await dialers.areMissing()).toBe(false);
    now += 59_000;
    expect(await dialers.areMissing()).toBe(false);
    now += 1_000;
    expect(await dialers.areMissing()).toBe(true);
    await registerDialer(db, uuidv7(), 'test', 1);
    expect(await dialers.areMissing()).toBe(false);
    await db.query('delete from dialers');
    now += 59_000;
    expect(await dialers.areMissing()).toBe(false);
  });
});

test('one process at a time does the clock work', async ({ db }) => {
  const order: string[] = [];
  const first = await alone(db, 1, async () => {
    expect(await alone(db, 1, async () => void order.push('second'))).toBe(false);
    order.push('first');
  });
  expect([first, order]).toEqual([true, ['first']]);
  expect(await alone(db, 1, async () => void order.push('third'))).toBe(true);
});

test('idempotency keys are forgotten after a day', async ({ db }) => {
  const accountId = await addAccount(db);
  for (const key of ['old', 'new']) {
    await transaction(db, (tx) => claimKey(tx, { accountId, key, bodyHash: Buffer.from('x') }));
  }
  await db.query(`update idempotency_keys set created_at = now() - interval '25 h' where key = 'old'`);
  expect(await removeOldKeys(db)).toBe(1);
  const { rows } = await db.query('select key from idempotency_keys where account_id = $1', [accountId]);
  expect(rows).toEqual([{ key: 'new' }]);
});
