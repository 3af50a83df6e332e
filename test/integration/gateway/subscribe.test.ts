import { storedTopic, topicKeys } from '@dialstream/shared/events/topics.js';
import { addCalls, addCampaign } from '../../support/records.js';
import { range, rename } from './changes.js';
import { describe, expect, test } from './live.js';
import { transports } from './raw-client.js';

interface CampaignsState {
  campaigns: { id: string; version: number }[];
}

describe.for(transports)('subscribing over %s', (transport) => {
  test.override('transport', transport);

  test('gives a snapshot, then every event after it', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const ack = await client.subscribed('campaigns');
    expect(ack).toMatchObject({ recovered: false, topic: 'campaigns', cursor: { seq: 0 } });
    await rename(outbox, { accountId, campaignId });
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

  test('shows campaigns newest first and whole, but no deleted ones', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const older = await addCampaign(db, accountId, { name: 'Older' });
    const newer = await addCampaign(db, accountId, { name: 'Newer' }, 'paused');
    const deleted = await addCampaign(db, accountId);
    await db.query('update campaigns set deleted_at = now() where id = $1', [deleted]);
    await addCalls(db, accountId, older, 3);
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const ack = await client.subscribed('campaigns');
    expect(ack).toMatchObject({
      snapshot: {
        campaigns: [
          { id: newer, name: 'Newer', status: 'paused', statusReason: { code: 'created', actor: 'test' } },
          {
            id: older,
            name: 'Older',
            version: 1,
            counts: { total: 3, planned: 3, answered: 0 },
            activeAttempts: 0,
            pacing: { maxConcurrent: 50 },
            startedAt: null,
          },
        ],
      },
    });
  });

  test('shows a campaign with its calls under way only', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const [under] = await addCalls(db, accountId, campaignId, 2);
    await db.query(
      `update calls set attempt_id = $1, attempt_state = 'ringing', attempt_since = now(), attempts = 1,
        next_attempt_at = null where id = $1`,
      [under],
    );
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const ack = await client.subscribed(`campaign:${campaignId}`);
    expect(ack).toMatchObject({
      snapshot: {
        campaign: { id: campaignId, activeAttempts: 1 },
        calls: [{ id: under, status: 'planned', attempts: 1, attempt: { number: 1, state: 'ringing' } }],
      },
    });
    expect((ack as unknown as { snapshot: { calls: [] } }).snapshot.calls).toHaveLength(1);
  });

  test('leaves no event out and gives none twice while others are being published', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox, publisher } = await live.publishing();
    const { url } = await live.gateway();
    const clients = await Promise.all(range(1, 20).map(() => live.client(url, token)));
    const publishing = rename(outbox, { accountId, campaignId, times: 400 });
    // Each at another moment: the first when 5 events have come, and so on.
    const acks: Awaited<ReturnType<(typeof clients)[0]['subscribed']>>[] = [];
    const watcher = await live.client(url, token);
    await watcher.subscribed('campaigns');
    for (const [i, client] of clients.entries()) {
      await watcher.until('events', ({ events }) => events.length >= 5 * (i + 1));
      acks.push(await client.subscribed('campaigns'));
    }
    await publishing;
    await publisher.idle();
    for (const [i, client] of clients.entries()) {
      const ack = acks[i];
      if (ack === undefined || ack.recovered) throw new Error('a snapshot was expected');
      await client.until('last event', ({ events }) => events.at(-1)?.seq === 400);
      expect(client.seqs()).toEqual(range(ack.cursor.seq + 1, 400));
      expect(client.order[0]).toBe('subscribe answered');
      const { campaigns } = ack.snapshot as CampaignsState;
      // Event n made version n + 1.
      expect(campaigns[0]?.version).toBeGreaterThanOrEqual(ack.cursor.seq + 1);
    }
  });

  test('begins an epoch for a topic that was never published to, once for all gateways', async ({ live }) => {
    const { token } = await live.account();
    const clients = [];
    for (const _ of range(1, 3)) {
      const { url } = await live.gateway();
      clients.push(await live.client(url, token), await live.client(url, token));
    }
    const acks = await Promise.all(clients.map((client) => client.subscribed('campaigns')));
    expect(new Set(acks.map(({ cursor }) => cursor.epoch)).size).toBe(1);
    expect(acks.map(({ cursor }) => cursor.seq)).toEqual(clients.map(() => 0));
  });

  test('ends with unsubscribe, and begins anew with the next subscribe', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const other = await live.client(url, token);
    await Promise.all([client.subscribed('campaigns'), other.subscribed('campaigns')]);
    expect(await client.ask('unsubscribe', { topic: 'campaigns' })).toEqual({ ok: true, topic: 'campaigns' });
    await rename(outbox, { accountId, campaignId, times: 3 });
    await other.until('events', ({ events }) => events.length === 3);
    const ack = await client.subscribed('campaigns');
    expect(ack).toMatchObject({ recovered: false, cursor: { seq: 3 } });
    await rename(outbox, { accountId, campaignId });
    await client.until('event', ({ events }) => events.length === 1);
    expect(client.seqs()).toEqual([4]);
  });

  test('is superseded by a later one for the same topic', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    const acks = await Promise.all(range(1, 5).map(() => client.subscribe('campaigns')));
    expect(acks.map((ack) => ack.ok || ack.code)).toEqual([...range(1, 4).map(() => 'superseded'), true]);
    await rename(outbox, { accountId, campaignId, times: 2 });
    await client.until('events', ({ events }) => events.length >= 2);
    expect(client.seqs()).toEqual([1, 2]);
  });

  test('reads nothing of topics that nobody listens to', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox } = await live.publishing();
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    await client.subscribed('campaigns');
    const monitor = await (await live.redis()).monitor();
    live.defer(() => monitor.disconnect());
    const read = new Set<string>();
    monitor.on('monitor', (_time: string, [command = '', key = '']: string[], source: string) => {
      // The publisher's script reads streams too, when it trims them.
      const isOurs = key.startsWith(live.prefix) && source !== 'lua';
      if (isOurs && command.toLowerCase() === 'xrange') read.add(key);
    });
    await rename(outbox, { accountId, campaignId, times: 5 });
    await client.until('events', ({ events }) => events.length === 5);
    expect([...read]).toEqual([topicKeys(live.prefix, storedTopic(accountId, 'campaigns')).stream]);
  });

  test('shows admins what the calls depend on', async ({ live, db }) => {
    const { accountId, token } = await live.account('admin');
    await db.query(
      `insert into trunks (id, account_id, name, host, port, transport, caller_ids, max_concurrent,
          calls_per_second, codecs, priority, weight)
        values (gen_random_uuid(), $1, 'Carrier', 'sip.example.com', 5060, 'udp', '{}', 1, 1, '{}', 0, 1)`,
      [accountId],
    );
    const { url } = await live.gateway();
    const client = await live.client(url, token);
    expect(await client.subscribe('system')).toMatchObject({
      ok: true,
      snapshot: { trunks: [{ name: 'Carrier', status: 'up' }], account: { id: accountId } },
    });
  });
});
