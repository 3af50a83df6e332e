import { createOutbox, type Outbox } from '@dialstream/shared/events/outbox.js';
import { createPublisher } from '@dialstream/shared/events/publisher.js';
import { createRedis, redisReady, type Redis } from '@dialstream/shared/events/redis.js';
import { applyAttemptChanges } from '@dialstream/shared/db/attempt-changes.js';
import { changeCampaignStatus } from '@dialstream/shared/db/campaign-changes.js';
import { runningCampaigns, type RunningCampaign, type StartedAttempt } from '@dialstream/shared/db/claim.js';
import { registerDialer } from '@dialstream/shared/db/dialers.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { causeOf, ownCauses, type CauseRule } from '@dialstream/shared/domain/cause.js';
import { claimCalls, newAttemptIds } from '@dialstream/dialer/claimer.js';
import { trunksInUse, type StoredTrunk } from '@dialstream/shared/db/trunks.js';
import { v7 as uuidv7 } from 'uuid';
import { test as base, describe, expect } from '../../support/fixtures.js';
import { addAccount, addCalls, addCampaign, addTrunk, countsBothWays } from '../../support/records.js';

interface Fixtures {
  redis: Redis;
  outbox: Outbox;
}

const test = base.extend<Fixtures>({
  redis: async ({ redisUrl, log }, use) => {
    const redis = createRedis(redisUrl, 'test', log);
    await redisReady(redis);
    await use(redis);
    redis.disconnect();
  },
  outbox: async ({ db, redis, redisPrefix: prefix, log }, use) => {
    const publisher = createPublisher({ pool: db, redis, prefix, log });
    await use(createOutbox({ pool: db, publisher }));
    await publisher.close();
  },
});

const noSip = { code: null, phrase: null, q850: null };

async function setUp(db: Pool, settings: object = {}, limits = {}) {
  const accountId = await addAccount(db, limits);
  await addTrunk(db, accountId, {});
  const campaignId = await addCampaign(db, accountId, settings);
  const dialerId = uuidv7();
  await registerDialer(db, dialerId, 'test', 1);
  return { accountId, campaignId, dialerId };
}

async function planOf(
  db: Pool,
  campaignId: string,
): Promise<{ campaign: RunningCampaign; trunk: StoredTrunk }> {
  const campaign = (await runningCampaigns(db, 1_000)).find(({ id }) => id === campaignId);
  const trunk = (await trunksInUse(db)).find(({ accountId }) => accountId === campaign?.accountId);
  if (campaign === undefined || trunk === undefined) throw new Error('the campaign is not in progress');
  return { campaign, trunk };
}

async function claim(db: Pool, outbox: Outbox, ids: { campaignId: string; dialerId: string }, count: number) {
  const plan = await planOf(db, ids.campaignId);
  return claimCalls({ outbox, dialerId: ids.dialerId, ...plan, attemptIds: newAttemptIds(count) });
}

async function end(outbox: Outbox, dialerId: string, attempts: StartedAttempt[], cause: CauseRule) {
  const campaignId = attempts[0]?.campaignId ?? '';
  return outbox.change([campaignId], (tx, emit) =>
    applyAttemptChanges(
      tx,
      emit,
      dialerId,
      attempts.map(({ id }) => ({
        kind: 'ended',
        attemptId: id,
        campaignId,
        at: new Date(),
        cause,
        sip: noSip,
      })),
    ),
  );
}

async function answer(outbox: Outbox, dialerId: string, attempts: StartedAttempt[], at = new Date()) {
  const campaignId = attempts[0]?.campaignId ?? '';
  return outbox.change([campaignId], (tx, emit) =>
    applyAttemptChanges(
      tx,
      emit,
      dialerId,
      attempts.map(({ id }) => ({
        kind: 'answered',
        txnId: null,
        attemptId: id,
        campaignId,
        at,
        sipDialog: {},
      })),
    ),
  );
}

async function callsOf(db: Pool, campaignId: string) {
  const { rows } = await db.query<{
    id: string;
    status: string;
    reason: string | null;
    attempts: number;
    waiting: boolean;
  }>(
    `select id, status, reason, attempts, next_attempt_at is not null as waiting from calls
      where campaign_id = $1 order by id`,
    [campaignId],
  );
  return rows;
}

describe('claiming', () => {
  test('two dialers never claim the same call', async ({ db, outbox }) => {
    const { campaignId, accountId, dialerId } = await setUp(db);
    const other = uuidv7();
    await registerDialer(db, other, 'test', 2);
    await addCalls(db, accountId, campaignId, 300);
    const rounds = Array.from({ length: 20 }, (_, i) =>
      claim(db, outbox, { campaignId, dialerId: i % 2 ? dialerId : other }, 20),
    );
    const claimed = (await Promise.all(rounds)).flat().map((attempt) => attempt.callId);
    expect(claimed.length).toBe(300);
    expect(new Set(claimed).size).toBe(300);
  });

  test('stores Call-ID and From tag before anything can be sent', async ({ db, outbox }) => {
    const ids = await setUp(db);
    await addCalls(db, ids.accountId, ids.campaignId, 1);
    const [attempt] = await claim(db, outbox, ids, 5);
    const { rows } = await db.query('select sip_call_id, sip_from_tag, state from attempts where id = $1', [
      attempt?.id,
    ]);
    expect(rows).toEqual([
      { sip_call_id: attempt?.sipCallId, sip_from_tag: attempt?.sipFromTag, state: 'dialing' },
    ]);
  });

  test('takes the higher priority first, then the longest due', async ({ db, outbox }) => {
    const ids = await setUp(db);
    const low = await addCalls(db, ids.accountId, ids.campaignId, 2);
    const high = await addCalls(db, ids.accountId, ids.campaignId, 2, {
      priority: 7,
      firstNumber: 12_025_551_000,
    });
    await db.query(`update calls set next_attempt_at = now() - interval '1 h' where id = $1`, [low[1]]);
    const first = await claim(db, outbox, ids, 3);
    expect(first.map(({ callId }) => callId)).toEqual(expect.arrayContaining([...high, low[1]]));
  });

  test('leaves a call alone until it is due, and a campaign that is not in progress', async ({
    db,
    outbox,
  }) => {
    const ids = await setUp(db);
    const [later] = await addCalls(db, ids.accountId, ids.campaignId, 2);
    await db.query(`update calls set next_attempt_at = now() + interval '1 h' where id = $1`, [later]);
    const plan = await planOf(db, ids.campaignId);
    expect(plan.campaign.due).toBe(1);
    await db.query(`update campaigns set status = 'paused' where id = $1`, [ids.campaignId]);
    const claimed = await claimCalls({ outbox, ...ids, ...plan, attemptIds: newAttemptIds(5) });
    expect(claimed).toEqual([]);
  });

  test('a suppressed number and one whose time has passed end as not dialed, with the reason', async ({
    db,
    outbox,
  }) => {
    const ids = await setUp(db);
    const [suppressed, passed] = await addCalls(db, ids.accountId, ids.campaignId, 2);
    await db.query(
      `insert into suppressions (account_id, phone, reason) select account_id, e164, 'test' from calls where id = $1`,
      [suppressed],
    );
    await db.query(`update calls set not_after = now() - interval '1 s' where id = $1`, [passed]);
    expect(await claim(db, outbox, ids, 5)).toEqual([]);
    expect(await callsOf(db, ids.campaignId)).toMatchObject([
      { id: suppressed, status: 'not_dialed', reason: 'suppressed' },
      { id: passed, status: 'not_dialed', reason: 'window_passed' },
    ]);
    const { rows } = await db.query('select status, reason_code from campaigns where id = $1', [
      ids.campaignId,
    ]);
    expect(rows).toEqual([{ status: 'finished', reason_code: 'completed' }]);
  });

  test('outside its window a call is put off to the next opening', async ({ db, outbox }) => {
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    const today = new Date().toISOString().slice(0, 10);
    const schedule = { excludedDates: [today], windows: [{ days, from: '00:00', to: '24:00' }] };
    const ids = await setUp(db, { schedule });
    await addCalls(db, ids.accountId, ids.campaignId, 1);
    expect(await claim(db, outbox, ids, 5)).toEqual([]);
    const { rows } = await db.query<{ due: Date }>(
      'select next_attempt_at as due from calls where campaign_id = $1',
      [ids.campaignId],
    );
    expect(rows[0]?.due.getTime()).toBeGreaterThan(Date.now());
  });

  test('beyond the unique users of the period a call ends with the plan limit exceeded', async ({
    db,
    outbox,
  }) => {
    const ids = await setUp(db, {}, { uniqueUsers: 3 });
    await addCalls(db, ids.accountId, ids.campaignId, 5);
    expect(await claim(db, outbox, ids, 10)).toHaveLength(3);
    const exceeded = (await callsOf(db, ids.campaignId)).filter(
      ({ status }) => status === 'plan_limit_exceeded',
    );
    expect(exceeded).toHaveLength(2);
    const { rows } = await db.query('select unique_users_used from accounts where id = $1', [ids.accountId]);
    expect(rows).toEqual([{ unique_users_used: 3 }]);
  });

  test('minutes are held at the claim and settled at the end', async ({ db, outbox }) => {
    const ids = await setUp(db, {}, { balanceSeconds: 600 });
    await addCalls(db, ids.accountId, ids.campaignId, 2);
    const attempts = await claim(db, outbox, ids, 5);
    const account = async () =>
      (
        await db.query(
          'select balance_seconds as balance, reserved_seconds as reserved from accounts where id = $1',
          [ids.accountId],
        )
      ).rows[0];
    expect(await account()).toEqual({ balance: 600, reserved: 120 });
    await answer(outbox, ids.dialerId, attempts.slice(0, 1), new Date(Date.now() - 30_000));
    await end(outbox, ids.dialerId, attempts.slice(0, 1), ownCauses.hangUp);
    await end(outbox, ids.dialerId, attempts.slice(1), causeOf({ code: 486, rang: true, canceledFor: null }));
    const { rows } = await db.query<{ billed: number }>(
      'select sum(billed_seconds)::int as billed from attempts where campaign_id = $1',
      [ids.campaignId],
    );
    const billed = rows[0]?.billed ?? 0;
    expect([30, 31]).toContain(billed);
    expect(await account()).toEqual({ balance: 600 - billed, reserved: 0 });
  });
});

describe('what happens to attempts', () => {
  const busy = causeOf({ code: 486, rang: true, canceledFor: null });

  test('a change by a dialer that no longer owns the attempt changes nothing', async ({ db, outbox }) => {
    const ids = await setUp(db);
    await addCalls(db, ids.accountId, ids.campaignId, 1);
    const attempts = await claim(db, outbox, ids, 1);
    expect((await end(outbox, uuidv7(), attempts, busy)).size).toBe(0);
    expect(await callsOf(db, ids.campaignId)).toMatchObject([{ status: 'planned', attempts: 1 }]);
    expect((await end(outbox, ids.dialerId, attempts, busy)).size).toBe(1);
    expect((await end(outbox, ids.dialerId, attempts, busy)).size).toBe(0);
  });

  test('the campaign finishes with its last call, and its counts are exact', async ({ db, outbox }) => {
    const ids = await setUp(db, { retry: { maxAttempts: 1 } });
    await addCalls(db, ids.accountId, ids.campaignId, 4);
    const attempts = await claim(db, outbox, ids, 4);
    await answer(outbox, ids.dialerId, attempts.slice(0, 2));
    expect((await callsOf(db, ids.campaignId)).filter(({ status }) => status === 'in_progress')).toHaveLength(
      2,
    );
    await end(outbox, ids.dialerId, attempts.slice(0, 2), ownCauses.hangUp);
    await end(outbox, ids.dialerId, attempts.slice(2), busy);
    const { told, counted } = await countsBothWays(db, ids.campaignId);
    expect(told).toEqual(counted);
    expect(told).toMatchObject({ answered: 2, completed_without_answer: 2, planned: 0 });
    const { rows } = await db.query('select status, reason_code from campaigns where id = $1', [
      ids.campaignId,
    ]);
    expect(rows).toEqual([{ status: 'finished', reason_code: 'completed' }]);
  });

  test('a campaign that is kept open stays in progress when every call is final', async ({ db, outbox }) => {
    const ids = await setUp(db, { keepOpen: true, retry: { maxAttempts: 1 } });
    await addCalls(db, ids.accountId, ids.campaignId, 1);
    await end(outbox, ids.dialerId, await claim(db, outbox, ids, 1), busy);
    const { rows } = await db.query('select status from campaigns where id = $1', [ids.campaignId]);
    expect(rows).toEqual([{ status: 'in_progress' }]);
  });

  test('finishing by hand ends what waits, and what is under way when it is over', async ({ db, outbox }) => {
    const ids = await setUp(db);
    await addCalls(db, ids.accountId, ids.campaignId, 5);
    const attempts = await claim(db, outbox, ids, 4);
    const [ringing, talking, busyOnce, faulty] = attempts.map((attempt) => [attempt]);
    await answer(outbox, ids.dialerId, talking ?? []);
    await end(outbox, ids.dialerId, busyOnce ?? [], busy);
    await end(outbox, ids.dialerId, faulty ?? [], causeOf({ code: 503, rang: false, canceledFor: null }));
    await outbox.change([ids.campaignId], (tx, emit) =>
      changeCampaignStatus(tx, emit, {
        campaignId: ids.campaignId,
        signal: 'finish',
        reason: { code: 'manual', message: '', actor: 'test' },
      }),
    );
    await end(
      outbox,
      ids.dialerId,
      ringing ?? [],
      causeOf({ code: 487, rang: true, canceledFor: 'command' }),
    );
    await end(outbox, ids.dialerId, talking ?? [], ownCauses.hangUp);
    const { told, counted } = await countsBothWays(db, ids.campaignId);
    expect(told).toEqual(counted);
    expect(told).toMatchObject({
      answered: 1,
      completed_without_answer: 2,
      technical_error: 1,
      not_dialed: 1,
      planned: 0,
      in_progress: 0,
      retry_scheduled: 0,
    });
    const calls = await callsOf(db, ids.campaignId);
    expect(calls.every(({ waiting, reason }) => !waiting && reason !== null)).toBe(true);
  });

  test('counts stay exact at every commit while many change at once', async ({ db, outbox }) => {
    const ids = await setUp(db, { retry: { maxAttempts: 2, afterSeconds: 0 } });
    await addCalls(db, ids.accountId, ids.campaignId, 200);
    const causes = [busy, ownCauses.hangUp, causeOf({ code: 404, rang: false, canceledFor: null })];
    const worker = async (n: number): Promise<void> => {
      for (let round = 0; round < 8; round += 1) {
        const plan = await planOf(db, ids.campaignId).catch(() => null);
        if (plan === null) return;
        const attempts = await claimCalls({ outbox, ...ids, ...plan, attemptIds: newAttemptIds(13) });
        if (attempts.length === 0) continue;
        const cause = causes[(n + round) % causes.length] ?? busy;
        if (cause.disposition === 'answered') await answer(outbox, ids.dialerId, attempts);
        await end(outbox, ids.dialerId, attempts, cause);
      }
    };
    let done = false;
    const watch = async (): Promise<void> => {
      while (!done) {
        // One statement sees one commit.
        const { told, counted } = await countsBothWays(db, ids.campaignId);
        expect(told).toEqual(counted);
      }
    };
    const watching = watch();
    await Promise.all([0, 1, 2, 3].map(worker));
    done = true;
    await watching;
  });
});
