import { LiveError, type ConnectionState, type Gap } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { addCampaign } from '../../support/records.js';
import { rename } from '../gateway/changes.js';
import { describe, expect, test, type Live } from '../gateway/live.js';
import { transports, type TransportName } from '../gateway/raw-client.js';
import { client } from './followers.js';

interface Seen {
  states: string[];
  seqs: number[];
  gaps: Gap[];
}

/** A client that is subscribed to `campaigns`, and what it is told. */
function following(
  live: Live,
  { url, token, transport }: { url: string; token: string | (() => string); transport: TransportName },
) {
  const seen: Seen = { states: [], seqs: [], gaps: [] };
  const connected = client(live, url, token, transport);
  connected.onState(({ status, code }: ConnectionState) => seen.states.push(`${status}: ${code}`));
  const subscription = connected.subscribe('campaigns', {
    onEvent: ({ seq }) => seen.seqs.push(seq),
    onGap: (gap) => seen.gaps.push(gap),
  });
  const isLive = () => subscription.state.status === 'live';
  return { connected, subscription, seen, goesLive: () => until(isLive, { withinMs: 10_000, what: 'live' }) };
}

describe.for(transports)('access over %s', (transport) => {
  test.override('transport', transport);

  test('goes on with the next token when one has expired, and misses nothing', async ({ live, db }) => {
    const { accountId, token } = await live.account();
    const campaignId = await addCampaign(db, accountId);
    const { outbox, publisher } = await live.publishing();
    const { url, gateway } = await live.gateway();
    live.grants.set(token, { expiresAt: new Date(Date.now() + 3_600_000) });
    const tokens = [token, live.token(accountId)];
    const { subscription, seen, goesLive } = following(live, {
      url,
      token: () => tokens.shift() ?? 'none',
      transport,
    });
    await goesLive();
    await rename(outbox, { accountId, campaignId, times: 3 });
    await publisher.idle();
    await until(() => seen.seqs.length === 3, { withinMs: 10_000, what: 'three events' });
    live.principals.delete(token);
    await gateway.checkRights();
    await rename(outbox, { accountId, campaignId, times: 2 });
    await publisher.idle();
    await until(() => seen.seqs.length === 5, { withinMs: 10_000, what: 'five events' });
    expect(seen.seqs).toEqual([1, 2, 3, 4, 5]);
    expect(seen.gaps).toMatchObject([{ cause: 'resync', code: 'rights_changed' }]);
    expect(seen.states.at(-1)).toBe('connected: connected');
    expect(subscription.state.code).toBe('recovered');
    expect(tokens).toEqual([]);
  });

  test('ends with a fixed key that was revoked', async ({ live }) => {
    const { token } = await live.account();
    const { url, gateway } = await live.gateway();
    const { connected, subscription, goesLive } = following(live, { url, token, transport });
    await goesLive();
    live.principals.delete(token);
    await gateway.checkRights();
    await until(() => connected.state.status === 'closed', { withinMs: 10_000, what: 'closed' });
    expect(connected.state).toMatchObject({ code: 'unauthorized' });
    expect(subscription.state).toMatchObject({ status: 'closed', code: 'unauthorized' });
  });

  test('waits while a key has too many connections', async ({ live }) => {
    const { token } = await live.account();
    const usageLimits = { connections: 1, subscriptions: 10, messages: { burst: 100, perSecond: 100 } };
    const { url } = await live.gateway({ usageLimits });
    const first = following(live, { url, token, transport });
    await first.goesLive();
    const second = following(live, { url, token, transport });
    await until(() => second.seen.states.includes('reconnecting: rate_limited'), {
      withinMs: 10_000,
      what: 'rate_limited',
    });
    first.connected.close();
    await second.goesLive();
  });

  test('waits while tokens cannot be checked', async ({ live }) => {
    const { token } = await live.account();
    let asked = 0;
    const { url } = await live.gateway({
      authenticate: async (given) => {
        asked += 1;
        if (asked === 1) throw new Error('Postgres is away');
        return live.rights(given);
      },
    });
    const { seen, goesLive } = following(live, { url, token, transport });
    await goesLive();
    expect(seen.states).toContain('reconnecting: unavailable');
  });

  test('is refused for good to what is not for the key', async ({ live, db }) => {
    const { accountId } = await live.account();
    const foreign = await addCampaign(db, (await live.account()).accountId);
    const { url } = await live.gateway();
    const viewer = client(live, url, live.token(accountId, 'viewer'), transport);
    for (const [topic, code] of [
      ['system', 'forbidden'],
      [`campaign:${foreign}`, 'not_found'],
    ] as const) {
      const iterating = viewer.events(topic)[Symbol.asyncIterator]().next();
      await expect(iterating).rejects.toBeInstanceOf(LiveError);
      await expect(iterating).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(code),
      });
    }
  });
});
