import type { Call } from '@dialstream/shared/api/calls.js';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import type { Cursor, LiveEvent } from '@dialstream/shared/events/contract.js';

export type { Call } from '@dialstream/shared/api/calls.js';
export type { Campaign } from '@dialstream/shared/api/campaigns.js';
export type { Counts } from '@dialstream/shared/domain/campaign.js';
export type { AttemptState, CallStatus, CampaignStatus } from '@dialstream/shared/domain/status.js';
export type {
  Cursor,
  EventData,
  EventType,
  LiveEvent,
  StatusReason,
} from '@dialstream/shared/events/contract.js';

/** What can be subscribed to: all campaigns of the account, one with its calls, or (admins) what runs them. */
export type TopicName = 'campaigns' | 'system' | `campaign:${string}`;

/** State of `campaigns`: the newest 1,000. */
export interface CampaignsSnapshot {
  campaigns: Campaign[];
}

/** State of `campaign:<id>`: the calls are those with an attempt under way. */
export interface CampaignSnapshot {
  campaign: Campaign;
  calls: Call[];
}

/** State of `system`. */
export interface SystemSnapshot {
  trunks: { id: string; name: string; status: 'up' | 'down'; statusReason: string | null }[];
  dialers: { id: string; host: string; status: 'up' | 'draining' | 'down' }[];
  account: object | null;
}

/** The snapshot that a topic has. */
export type SnapshotOf<Topic extends TopicName> = Topic extends 'campaigns'
  ? CampaignsSnapshot
  : Topic extends 'system'
    ? SystemSnapshot
    : CampaignSnapshot;

/** How the connection stands. `code` is for programs, `reason` for people. */
export interface ConnectionState {
  status: 'connecting' | 'connected' | 'reconnecting' | 'closed';
  code:
    | 'connecting'
    | 'connected'
    | 'lost'
    | 'unreachable'
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
  /** Where to go on, such as the `cursor` of an earlier subscription. */
  cursor?: Cursor | null;
  /** The state at or after `cursor`; it replaces all that was known. Events that it holds already may follow. */
  onSnapshot?: (snapshot: SnapshotOf<Topic>, cursor: Cursor) => void;
  /** Each event once and in order. */
  onEvent?: (event: LiveEvent) => void;
  onGap?: (gap: Gap) => void;
  onState?: (state: SubscriptionState) => void;
}

/** A running subscription. It survives lost connections, until it is refused or closed. */
export interface Subscription {
  readonly topic: TopicName;
  /** The last event applied. May be kept to go on after a restart. */
  readonly cursor: Cursor | null;
  readonly state: SubscriptionState;
  /** Ends it. Nothing is called afterwards. */
  close(): void;
}
