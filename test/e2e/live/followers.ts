import {
  campaignsStore,
  campaignStore,
  connect,
  fullJitter,
  type CampaignsView,
  type CampaignView,
  type LiveCampaign,
  type LiveClient,
  type LiveStore,
} from '@dialstream/client-sdk';
import type { TopicName } from '@dialstream/shared/events/topics.js';
import type { UnkindProxy } from '../../support/unkind-proxy.js';
import type { TopicRecord } from './oracle.js';
import type { Scene } from './scene.js';

/** Comes back fast: a test has less time than a customer. */
export const soon = fullJitter({ baseMs: 20, capMs: 150 });

export type AnyStore = LiveStore<CampaignsView> | LiveStore<CampaignView>;

/** One SDK client with its stores, and all that they were told and have shown. */
export class Follower {
  readonly records: TopicRecord[] = [];
  readonly stores = new Map<TopicName, AnyStore>();
  /** `<campaign id> <counts version>` → the counts that were shown under it. */
  readonly shown = new Map<string, Record<string, number>>();
  /** What was shown and must not have been. */
  readonly faults: string[] = [];
  readonly #client: LiveClient;
  readonly #last = new Map<string, LiveCampaign>();

  constructor(
    readonly who: string,
    url: string,
    token: string,
    topics: readonly TopicName[],
  ) {
    this.#client = connect({ url, token, reconnect: soon });
    for (const topic of topics) this.#follow(topic);
  }

  close(): void {
    this.#client.close();
  }

  #follow(topic: TopicName): void {
    const record: TopicRecord = { who: this.who, topic, mode: 'stream', entries: [] };
    this.records.push(record);
    const client = recording(this.#client, record);
    if (topic === 'campaigns') {
      const store = campaignsStore(client);
      this.stores.set(topic, store);
      store.subscribe(() => {
        for (const campaign of store.get().campaigns) this.#note(topic, campaign);
      });
    } else {
      const store = campaignStore(client, topic.slice('campaign:'.length));
      this.stores.set(topic, store);
      store.subscribe(() => {
        const { campaign } = store.get();
        if (campaign !== null) this.#note(topic, campaign);
      });
    }
  }

  #note(topic: TopicName, campaign: LiveCampaign): void {
    const { id, countsVersion, counts, activeAttempts } = campaign;
    const before = this.#last.get(`${topic} ${id}`);
    if (before === campaign) return;
    this.#last.set(`${topic} ${id}`, campaign);
    if (before && (countsVersion < before.countsVersion || campaign.version < before.version)) {
      this.faults.push(`${this.who}, ${topic}: ${id} went back from counts ${before.countsVersion}`);
    }
    const { total: _total, ...byStatus } = counts;
    this.shown.set(`${id} ${countsVersion}`, { ...byStatus, active_attempts: activeAttempts });
  }
}

/** So many followers, each with a door of its own and one of the usual sets of topics. */
export async function gather(count: number, scene: Scene, proxy: UnkindProxy): Promise<Follower[]> {
  const [a = '', b = '', c = ''] = scene.campaignIds;
  const wishes: TopicName[][] = [
    ['campaigns'],
    [`campaign:${a}`],
    ['campaigns', `campaign:${a}`],
    [`campaign:${a}`, `campaign:${b}`, `campaign:${c}`],
    ['campaigns', `campaign:${b}`],
  ];
  const followers: Follower[] = [];
  for (let n = 0; n < count; n += 1) {
    const url = await proxy.door();
    followers.push(new Follower(`client ${n + 1}`, url, scene.token, wishes[n % wishes.length] ?? []));
  }
  return followers;
}

/** The same client, whose subscriptions write down what they are called with before they pass it on. */
function recording(client: LiveClient, { entries }: TopicRecord): LiveClient {
  return {
    state: client.state,
    onState: (listener) => client.onState(listener),
    close: () => client.close(),
    subscribe: (topic, options = {}) =>
      client.subscribe(topic, {
        ...options,
        onSnapshot(snapshot, cursor) {
          entries.push({ kind: 'snapshot', cursor });
          options.onSnapshot?.(snapshot, cursor);
        },
        onEvent(event) {
          const { id, epoch, seq, previousSeq } = event;
          entries.push({ kind: 'event', id, epoch, seq, previousSeq });
          options.onEvent?.(event);
        },
        onGap(gap) {
          entries.push({ kind: 'gap', gap });
          options.onGap?.(gap);
        },
      }),
  };
}
