import type {
  CampaignSnapshot,
  CampaignsSnapshot,
  Cursor,
  EventDataByType,
  LiveEvent,
  SubscriptionMode,
  SystemSnapshot,
} from './generated/types.js';

/** What can be subscribed to: all campaigns of the account, one with its calls, or (admins) what runs them. */
export type TopicName = 'campaigns' | 'system' | `campaign:${string}`;

/** The type of an event, such as `campaign.counts`. */
export type EventType = keyof EventDataByType;

/** What an event of this type tells. */
export type EventData<Type extends EventType> = EventDataByType[Type];

/** The snapshot that a topic has. */
export type SnapshotOf<Topic extends TopicName> = Topic extends 'campaigns'
  ? CampaignsSnapshot
  : Topic extends 'system'
    ? SystemSnapshot
    : CampaignSnapshot;

/** How the connection stands. `code` is for programs, `reason` for people. */
export interface ConnectionState {
  status: 'connecting' | 'connected' | 'reconnecting' | 'closed';
  /**
   * While it reconnects: `lost`, `silent` (nothing came for too long), `unreachable`, `unavailable` and
   * `rate_limited` (the server says so), `no_token`, `unauthorized`. Closed: `unauthorized` (a fixed token is
   * not accepted), `given_up` (the policy says so), `closed` (by `close`).
   */
  code:
    | 'connecting'
    | 'connected'
    | 'lost'
    | 'silent'
    | 'unreachable'
    | 'unavailable'
    | 'rate_limited'
    | 'no_token'
    | 'unauthorized'
    | 'given_up'
    | 'closed';
  reason: string;
}

/** How a subscription stands. `refused` and `closed` are final. */
export interface SubscriptionState {
  status: 'waiting' | 'subscribing' | 'live' | 'refused' | 'closed';
  /** With `live`: `recovered` or `snapshot`. Else the server's code, or why it waits. */
  code: string;
  reason: string;
}

/** The stream was found broken. It is healed by itself; this tells that, and why. */
export interface Gap {
  /**
   * `missing_seq`: an event came too early. `heartbeat`: the server has sent more than we got.
   * `resync`: the server ended the subscription; `code` says why. `not_recovered`: events after `after` were
   * not sent; the snapshot that follows takes their place.
   */
  cause: 'missing_seq' | 'heartbeat' | 'resync' | 'not_recovered';
  code: string | null;
  /** The last event that was applied. */
  after: Cursor | null;
  /** What was seen instead of the next event. */
  seen: Cursor | null;
}

/** What a subscriber is told. All are called synchronously, in the order of the stream. */
export interface SubscribeOptions<Topic extends TopicName = TopicName> {
  /** Where to go on, such as the `cursor` of an earlier subscription of this mode. */
  cursor?: Cursor | null;
  /**
   * `stream` (left out): every event. `latest`: the newest counts of each campaign twice a second at most, and
   * no events of calls. A client has each topic once: while it also has a subscription in `stream` mode,
   * counts come as often as they change.
   */
  mode?: SubscriptionMode;
  /** The state at or after `cursor`; it replaces all that was known. Events that it holds already may follow. */
  onSnapshot?: (snapshot: SnapshotOf<Topic>, cursor: Cursor) => void;
  /** Each event once and in order. */
  onEvent?: (event: LiveEvent) => void;
  /** The stream broke, or events are lost. */
  onGap?: (gap: Gap) => void;
  /** Each change of `state`. */
  onState?: (state: SubscriptionState) => void;
}

/** A running subscription. It survives lost connections, until it is refused or closed. */
export interface Subscription {
  readonly topic: TopicName;
  readonly mode: SubscriptionMode;
  /** The last event applied. May be kept to go on after a restart. */
  readonly cursor: Cursor | null;
  readonly state: SubscriptionState;
  /** Asks for the state anew: `onSnapshot` is called with it, and events go on from there. */
  refresh(): void;
  /** Ends it. Nothing is called afterwards but `onState`, at once. */
  close(): void;
}
