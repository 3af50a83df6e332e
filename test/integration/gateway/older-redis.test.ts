import { redisReady } from '@dialstream/shared/events/redis.js';
import { OwnRedis } from '../../support/own-redis.js';
import { addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { expect, test } from './live.js';

test('who has seen events that Redis has lost does not go on, however much was published since', async ({
  live,
  db,
}) => {
  const own = await OwnRedis.startWithSnapshots(live.log);
  live.defer(() => own.stop());
  const { accountId, token } = await live.account();
  const [early, late] = [await addCampaign(db, accountId), await addCampaign(db, accountId)];
  const redis = await live.redis(own.url);
  const { outbox, publisher } = await live.publishing(redis);
  const first = await live.gateway({ redis: await live.redis(own.url) });
  const client = await live.client(first.url, token);
  await client.subscribed('campaigns');
  await rename(outbox, { accountId, campaignId: early, times: 3 });
  await client.until('events', ({ events }) => events.length === 3);
  await redis.save();
  await rename(outbox, { accountId, campaignId: late, times: 3 });
  await client.until('events', ({ events }) => events.length === 6);
  await publisher.idle();
  const { epoch } = client.events[0] ?? { epoch: '' };
  await first.gateway.close();

  await own.kill();
  await own.startAgain();
  await redisReady(redis);
  // Another campaign than the one whose events are gone: its own numbers have no hole.
  for (const _ of range(1, 5)) {
    await rename(outbox, { accountId, campaignId: early });
    await publisher.sweep(0);
  }
  const second = await live.gateway({ redis: await live.redis(own.url) });
  const again = await live.client(second.url, token);
  for (const seq of [3, 6]) {
    expect(await again.subscribed('campaigns', { epoch, seq })).toMatchObject({ recovered: false });
  }
});
