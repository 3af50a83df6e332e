import {
  campaignsStore,
  campaignStore,
  connect,
  fullJitter,
  socketIo,
  webSocket,
  type CampaignsView,
  type CampaignView,
  type LiveCampaign,
  type LiveClient,
  type LiveStore,
  type StoreOptions,
} from '@dialstream/client-sdk';
import type { SubscriptionMode } from '@dialstream/shared/events/protocol.js';
import { campaignOf, type TopicName } from '@dialstream/shared/events/topics.js';
import { WebSocket } from 'ws';
import type { TransportName } from '../../integration/gateway/raw-client.js';
import { seededRandom } from '../../support/seeded-random.js';
import type { UnkindProxy } from '../../support/unkind-proxy.js';
import type { TopicRecord } from './oracle.js';
import { recording } from './recording.js';
import type { Scene } from './scene.js';

/** Comes back fast: a test has less time than a customer. */
const soon = fullJitter({ baseMs: 20, capMs: 150 });
/** Events after which a page is loaded anew, and milliseconds that this takes, at most. */
const reloadAfterEvents = 600;
const reloadMs = 400;

export type AnyStore = LiveStore<CampaignsView> | LiveStore<CampaignView>;

export interface FollowerOptions {
  who: string;
  url: string;
  token: string;
  transport: TransportName;
  topics: readonly TopicName[];
  mode: SubscriptionMode;
  /** Gives how often it loads its page anew, and how long it is away; null: it stays. */
  reloads: (() => number) | null;
}

/** Somebody with a page of SDK stores, and all that these were told and have shown. */
export class Follower {
  readonly records: TopicRecord[];
  /** The stores of the page as it is now. */
  stores = new Map<TopicName, AnyStore>();
  /** `<campaign id> <counts version>` → the counts that were shown under it. */
  readonly shown = new Map<string, Record<string, number>>();
  /** What was shown and must not have been. */
  readonly faults: string[] = [];
  reloads = 0;
  #client: LiveClient | null = null;
  #timer: NodeJS.Timeout | undefined;
  #eventsLeft = Infinity;
  readonly #last = new Map<string, LiveCampaign>();

  constructor(private readonly options: FollowerOptions) {
    const { who, mode, topics } = options;
    this.records = topics.map((topic) => ({ who, topic, mode, entries: [] }));
    this.#load(new Map());
  }

  get who(): string {
    return this.options.who;
  }

  get mode(): SubscriptionMode {
    return this.options.mode;
  }

  /** Whether anything it shows is called up to date. */
  get isLive(): boolean {
    return [...this.stores.values()].some((store) => store.get().freshness === 'live');
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#eventsLeft = Infinity;
    this.#client?.close();
  }

  /** Shows the page, which goes on with what an earlier one has saved. */
  #load(saved: ReadonlyMap<TopicName, unknown>): void {
    const { url, token, transport, mode, reloads } = this.options;
    if (reloads !== null) this.#eventsLeft = reloads() * reloadAfterEvents;
    const chosen = transport === 'WebSocket' ? webSocket({ WebSocket }) : socketIo();
    const client = connect({ url, token, transport: chosen, reconnect: soon });
    this.#client = client;
    this.stores = new Map();
    for (const record of this.records) {
      const recorded = recording(client, record, {
        event: () => this.#countEvent(),
        gap: () => this.#mustBeStale(record.topic),
      });
      this.#follow(recorded, record.topic, { mode, restore: saved.get(record.topic) });
    }
  }

  #reload(reloads: () => number): void {
    this.reloads += 1;
    // As text, since that is how a browser keeps it.
    const saved = [...this.stores].map(([topic, store]): [TopicName, string] => [
      topic,
      JSON.stringify(store.save()),
    ]);
    this.#client?.close();
    this.#timer = setTimeout(
      () => this.#load(new Map(saved.map(([topic, text]) => [topic, JSON.parse(text) as unknown]))),
      reloads() * reloadMs,
    );
  }

  #follow(client: LiveClient, topic: TopicName, options: StoreOptions): void {
    const campaignId = campaignOf(topic);
    if (campaignId === null) {
      const store = campaignsStore(client, options);
      this.stores.set(topic, store);
      store.subscribe(() => {
        for (const campaign of store.get().campaigns) this.#note(topic, campaign);
      });
    } else {
      const store = campaignStore(client, campaignId, options);
      this.stores.set(topic, store);
      store.subscribe(() => {
        const { campaign } = store.get();
        if (campaign !== null) this.#note(topic, campaign);
      });
    }
  }

  #countEvent(): void {
    this.#eventsLeft -= 1;
    const { reloads } = this.options;
    if (reloads === null || this.#eventsLeft > 0) return;
    this.#eventsLeft = Infinity;
    // Not in the midst of the callback, where the store has not applied the event yet.
    setImmediate(() => this.#reload(reloads));
  }

  /** Once it is known that something is missing, what is shown must not be called live. */
  #mustBeStale(topic: TopicName): void {
    const store = this.stores.get(topic);
    queueMicrotask(() => {
      if (store?.get().freshness === 'live') this.faults.push(`${this.who}, ${topic}: live within a gap`);
    });
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

/**
 * So many followers, each with a door of its own: over both transports, with one topic or several, in both
 * modes; every third loads its page anew again and again.
 */
export async function gather(
  count: number,
  scene: Scene,
  proxy: UnkindProxy,
  seed: number,
): Promise<Follower[]> {
  const [a = '', b = '', c = ''] = scene.campaignIds;
  const wishes: { topics: TopicName[]; mode: SubscriptionMode }[] = [
    { topics: ['campaigns'], mode: 'stream' },
    { topics: [`campaign:${a}`], mode: 'stream' },
    { topics: ['campaigns', `campaign:${a}`], mode: 'stream' },
    { topics: [`campaign:${a}`, `campaign:${b}`, `campaign:${c}`], mode: 'stream' },
    { topics: ['campaigns', `campaign:${b}`], mode: 'latest' },
  ];
  const followers: Follower[] = [];
  for (let n = 0; n < count; n += 1) {
    const { topics, mode } = wishes[Math.floor(n / 2) % wishes.length] ?? { topics: [], mode: 'stream' };
    const transport = n % 2 === 0 ? 'Socket.IO' : 'WebSocket';
    const comesBack = n % 3 === 2;
    followers.push(
      new Follower({
        who: `client ${n + 1} (${transport}, ${mode}${comesBack ? ', reloads' : ''})`,
        url: await proxy.door(),
        token: scene.token,
        transport,
        topics,
        mode,
        reloads: comesBack ? seededRandom(seed + n) : null,
      }),
    );
  }
  return followers;
}
