import {
  campaignsStore,
  campaignStore,
  connect,
  fullJitter,
  socketIo,
  webSocket,
  type CampaignsView,
  type CampaignView,
  type Gap,
  type LiveClient,
  type LiveEvent,
  type LiveStore,
  type StoreOptions,
  type SubscriptionMode,
  type Token,
} from '@dialstream/client-sdk';
import { callsUnderWay } from '@dialstream/shared/db/calls.js';
import { findCampaign, listCampaigns } from '@dialstream/shared/db/campaigns.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { TopicName } from '@dialstream/shared/events/topics.js';
import { WebSocket } from 'ws';
import type { TransportName } from '../gateway/raw-client.js';
import type { Live } from '../gateway/live.js';

const soon = fullJitter({ baseMs: 20, capMs: 60 });

/** A client that comes back soon. */
export function client(live: Live, url: string, token: Token, transport: TransportName): LiveClient {
  const connected = connect({
    url,
    token,
    reconnect: soon,
    transport: transport === 'WebSocket' ? webSocket({ WebSocket }) : socketIo(),
  });
  live.defer(() => connected.close());
  return connected;
}

/** A store that may be reloaded, as a page is. */
export class Reloaded<View> {
  store: LiveStore<View>;

  constructor(
    readonly topic: TopicName,
    private readonly make: (options: StoreOptions) => LiveStore<View>,
    readonly mode: SubscriptionMode = 'stream',
  ) {
    this.store = make({ mode });
  }

  reload(): void {
    const saved: unknown = JSON.parse(JSON.stringify(this.store.save()));
    this.store.close();
    this.store = this.make({ mode: this.mode, restore: saved });
  }
}

export function allCampaigns(of: LiveClient, mode?: SubscriptionMode): Reloaded<CampaignsView> {
  return new Reloaded('campaigns', (options) => campaignsStore(of, options), mode);
}

export function oneCampaign(of: LiveClient, id: string, mode?: SubscriptionMode): Reloaded<CampaignView> {
  return new Reloaded(`campaign:${id}`, (options) => campaignStore(of, id, options), mode);
}

/** What a subscriber gets, in order. */
export type Log = (LiveEvent | Gap | 'snapshot')[];

/** One more subscription to a topic. */
export function follow(of: LiveClient, topic: TopicName): { log: Log; close: () => void } {
  const log: Log = [];
  const subscription = of.subscribe(topic, {
    onEvent: (event) => log.push(event),
    onGap: (gap) => log.push(gap),
    onSnapshot: () => log.push('snapshot'),
  });
  return { log, close: () => subscription.close() };
}

/** Each event follows the one before; only a snapshot may stand between, and is announced unless it is the first. */
export function doubledOrMissing(log: Log): string[] {
  const faults: string[] = [];
  let last: LiveEvent | null = null;
  let announced = true;
  for (const one of log) {
    if (one === 'snapshot') {
      if (!announced) faults.push(`a snapshot without a gap after ${last?.seq}`);
      last = null;
      announced = false;
    } else if ('cause' in one) announced = true;
    else {
      if (last !== null && one.seq !== last.seq + 1) faults.push(`${one.seq} after ${last.seq}`);
      last = one;
      announced = false;
    }
  }
  return faults;
}

/** What Postgres has of all that the store of campaigns shows. */
export async function campaignsInPostgres(db: Pool, accountId: string) {
  return (await listCampaigns(db, { accountId, limit: 500 })).map(shown);
}

/** What Postgres has of all that the store of a campaign shows. */
export async function campaignInPostgres(db: Pool, accountId: string, id: string) {
  const campaign = await findCampaign(db, accountId, id);
  const calls = await callsUnderWay(db, id, 10_000);
  return {
    campaign: campaign && shown(campaign),
    calls: calls
      .map(({ id: callId, phone, status, attempt, version }) => ({
        id: callId,
        phone,
        status,
        number: attempt?.number,
        state: attempt?.state,
        version,
      }))
      .toSorted((a, b) => a.id.localeCompare(b.id)),
  };
}

export function callsShown({ calls }: CampaignView) {
  return [...calls.values()]
    .map(({ id, phone, status, attempt: { number, state }, version }) => ({
      id,
      phone,
      status,
      number,
      state,
      version,
    }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

type Shown = CampaignsView['campaigns'][number];

/** The part of a campaign that stores have. */
function shown(campaign: Shown): Shown {
  const { id, name, status, statusReason, version, counts, activeAttempts, countsVersion } = campaign;
  const { createdAt, startedAt, finishedAt } = campaign;
  const { code, message, actor, at } = statusReason;
  return {
    id,
    name,
    status,
    statusReason: { code, message, actor, at },
    version,
    counts,
    activeAttempts,
    countsVersion,
    createdAt,
    startedAt,
    finishedAt,
  };
}
