import { tellLapsedDialers } from '@dialstream/server/clock/work.js';
import {
  buryDialers,
  markDraining,
  markReturned,
  markStopped,
  registerDialer,
  renewDialer,
  type DialerChange,
} from '@dialstream/shared/db/dialers.js';
import type { Tx } from '@dialstream/shared/db/pool.js';
import { tellDialers } from '@dialstream/shared/events/dialer-events.js';
import type { SystemSnapshot } from '@dialstream/shared/events/snapshots.js';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, test, type Live } from './live.js';
import type { RawClient } from './raw-client.js';

/** An admin's client of the topic, and ways to change a dialer. */
async function setUp(live: Live) {
  const { accountId, token } = await live.account('admin');
  const { outbox } = await live.publishing();
  const { url } = await live.gateway();
  const client = await live.client(url, token);
  const dialerId = uuidv7();
  const tell = (change: (tx: Tx) => Promise<DialerChange[]>) =>
    tellDialers({ pool: live.db, outbox }, change);
  const lapse = () => live.db.query('update dialers set alive_until = now() where id = $1', [dialerId]);
  return { accountId, url, outbox, client, dialerId, tell, lapse, clock: { pool: live.db, outbox } };
}

function toldOf(client: RawClient): string[] {
  return client.events.map(({ type, data }) => {
    expect(type).toBe('dialer.status_changed');
    const { from, to } = data as DialerChange;
    return `${from} ${to}`;
  });
}

describe('the system topic', () => {
  test('tells the admins of every account how dialers come and go', async ({ live }) => {
    const { client, dialerId, tell, url } = await setUp(live);
    const other = await live.client(url, (await live.account('admin')).token);
    for (const each of [client, other]) await each.subscribed('system');
    await tell((tx) => registerDialer(tx, dialerId, 'here', 1));
    await tell((tx) => markDraining(tx, dialerId));
    await tell((tx) => markDraining(tx, dialerId));
    await tell((tx) => markStopped(tx, dialerId));
    for (const each of [client, other]) {
      await each.until('the end', () => each.events.length === 3);
      expect(toldOf(each)).toEqual(['down up', 'up draining', 'draining down']);
      expect(each.events[0]).toMatchObject({ subject: dialerId, data: { dialerId, host: 'here' } });
    }
  });

  test('tells of one that says nothing any more, and of its return', async ({ live }) => {
    const { client, dialerId, tell, lapse, clock } = await setUp(live);
    await client.subscribed('system');
    await tell((tx) => registerDialer(tx, dialerId, 'here', 1));
    await lapse();
    expect(await tellLapsedDialers(clock)).toBe(1);
    expect(await tellLapsedDialers(clock)).toBe(0);
    expect(await renewDialer(live.db, dialerId)).toBe('lapsed');
    await tell((tx) => markReturned(tx, dialerId));
    expect(await renewDialer(live.db, dialerId)).toBe('held');
    await lapse();
    await tell(buryDialers);
    expect(await renewDialer(live.db, dialerId)).toBe('lost');
    await client.until('the end', ({ events }) => events.length === 4);
    expect(toldOf(client)).toEqual(['down up', 'up down', 'down up', 'up down']);
  });

  test('one that was told to be down is not told so again when it is buried', async ({ live }) => {
    const { client, dialerId, tell, lapse, clock } = await setUp(live);
    await client.subscribed('system');
    await tell((tx) => registerDialer(tx, dialerId, 'here', 1));
    await lapse();
    await tellLapsedDialers(clock);
    expect(await tell(buryDialers)).toEqual([]);
    await client.until('the end', ({ events }) => events.length === 2);
    const ack = await client.subscribed('system');
    const { dialers } = (ack as unknown as { snapshot: SystemSnapshot }).snapshot;
    expect(dialers).toContainEqual({ id: dialerId, host: 'here', status: 'down' });
  });
});
