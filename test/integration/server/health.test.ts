import { registerDialer } from '@dialstream/shared/db/dialers.js';
import { createPool } from '@dialstream/shared/db/pool.js';
import { v7 as uuidv7 } from 'uuid';
import { addCampaign } from '../../support/records.js';
import { expect, openHttp, test } from './http.js';

test('the server is ready while a dialer is alive', async ({ http, db }) => {
  const anyone = http.as(null);
  const ready = () => anyone('GET', '/readyz');
  const notReady = { status: 503, body: { missing: ['dialer'] } };
  expect(await ready()).toMatchObject(notReady);
  const id = uuidv7();
  await registerDialer(db, id, 'test', 1);
  expect(await ready()).toMatchObject({ status: 200, body: { status: 'ready' } });
  await db.query(`update dialers set status = 'draining' where id = $1`, [id]);
  expect(await ready()).toMatchObject(notReady);
  await db.query(`update dialers set status = 'up', alive_until = now() where id = $1`, [id]);
  expect(await ready()).toMatchObject(notReady);
  expect((await anyone('GET', '/healthz')).status).toBe(200);
});

test('Redis away is told as missing', async ({ http, opened }) => {
  opened.redis.disconnect();
  const { status, body } = await http.as(null)('GET', '/readyz');
  expect([status, body.missing]).toEqual([503, expect.arrayContaining(['redis'])]);
});

test('metrics tell what the records say, and requests by their route', async ({ http, db }) => {
  const { accountId, viewer } = await http.account();
  const id = await addCampaign(db, accountId);
  await viewer('GET', `/v1/campaigns/${id}`);
  const { status, body } = await http.as(null)('GET', '/metrics');
  expect(status).toBe(200);
  expect(body).toMatch(/^dialstream_campaigns_in_progress [1-9]/m);
  expect(body).toMatch(/request_seconds_count\{method="GET",route="\/v1\/campaigns\/:id",status="200"\} 1/);
  expect(body).not.toContain(id);
});

test('a viewer may ask for the head of what it may read', async ({ http }) => {
  const { viewer } = await http.account();
  expect((await viewer('HEAD', '/v1/campaigns')).status).toBe(200);
});

test('metrics are given while Postgres is away', async ({ db, redisUrl, redisPrefix, log }) => {
  const away = createPool({ databaseUrl: 'postgres://nobody:pw@127.0.0.1:1/none', log, name: 'away' });
  const { http, close } = await openHttp({ db, redisUrl, redisPrefix, log, options: { pool: away } });
  try {
    const { status, body } = await http.as(null)('GET', '/metrics');
    expect(status).toBe(200);
    expect(body).toMatch(/^dialstream_postgres_up 0$/m);
    expect(body).toMatch(/^process_cpu_seconds_total /m);
  } finally {
    await close();
    await away.end();
  }
});
