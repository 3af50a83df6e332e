import { campaignEvent, type Outbox } from '@dialstream/shared/events/outbox.js';
import { addCampaign } from '../../support/records.js';
import { describe, expect, test } from './live.js';

/** Renames a campaign: one change with one event. */
async function rename(outbox: Outbox, accountId: string, campaignId: string): Promise<void> {
  await outbox.change([campaignId], async (tx, emit) => {
    const { rows } = await tx.query<{ version: number }>(
      `update campaigns set version = version + 1, name = 'version ' || (version + 1) where id = $1 returning version`,
      [campaignId],
    );
    const version = rows[0]?.version ?? 0;
    emit(
      campaignEvent(accountId, campaignId, {
        type: 'campaign.updated',
        data: { campaignId, name: `version ${version}`, version },
      }),
    );
  });
}

describe('subscribing', () => {
  test('gives a snapshot, then every event after it', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const ack = await client.subscribed('campaigns');
    expect(ack).toMatchObject({ recovered: false, topic: 'campaigns', cursor: { seq: 0 } });
    await rename(outbox, accountId, campaignId);
    await client.until('event', ({ events }) => events.length === 1);
    expect(client.events[0]).toMatchObject({
      specversion: '1.0',
      type: 'campaign.updated',
      topic: 'campaigns',
      epoch: ack.cursor.epoch,
      seq: 1,
      data: { campaignId, version: 2 },
    });
  });
});
