/**
 * What the server takes and gives, as types. Made by `npm run generate` from the schemas in shared/, so that
 * the SDK needs neither them nor zod. Instants are ISO 8601 in UTC, phones E.164 with `+`.
 */

/** Where a campaign is in its life. */
export type CampaignStatus = 'draft' | 'planned' | 'in_progress' | 'paused' | 'finished';

/** Where a call is in its life. */
export type CallStatus = 'planned' | 'in_progress' | 'retry_scheduled' | 'answered' | 'completed_without_answer' | 'technical_error' | 'not_dialed' | 'plan_limit_exceeded';

/** Where one try at a call is. */
export type AttemptState = 'dialing' | 'ringing' | 'answered' | 'completed' | 'failed' | 'canceled';

/** How an attempt ended. */
export type Disposition = 'answered' | 'machine' | 'busy' | 'no_answer' | 'rejected' | 'unavailable' | 'invalid_number' | 'suppressed' | 'congestion' | 'trunk_fault' | 'media_fault' | 'bot_fault' | 'canceled' | 'lost';

/** Why a campaign is in its status. */
export type ReasonCode = 'created' | 'scheduled' | 'unscheduled' | 'started' | 'resumed' | 'manual' | 'out_of_minutes' | 'system_failure' | 'completed' | 'deleted' | 'end_date';

/** A day of the week. */
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** What an API key may do. */
export type Role = 'admin' | 'operator' | 'viewer';

/** Why a subscription was refused. */
export type RefusalCode = 'bad_request' | 'not_found' | 'forbidden' | 'too_many' | 'too_slow' | 'rate_limited' | 'superseded' | 'unavailable';

/** Why the server ended a subscription. */
export type ResyncCode = 'epoch_changed' | 'trimmed' | 'too_slow' | 'rights_changed' | 'unavailable';

/** Every event, or the newest counts twice a second without the events of calls. */
export type SubscriptionMode = 'stream' | 'latest';

/** Why a campaign is in its status, since when, and who did it. */
export interface StatusReason {
  code: ReasonCode;
  message: string;
  /** `system`, or the name of the key that did it. */
  actor: string;
  at: string;
}

/** How an attempt ended in SIP; `q850` is the cause of ITU-T Q.850. */
export interface SipEnd {
  /** The SIP status code. */
  code: number | null;
  phrase: string | null;
  /** The cause of ITU-T Q.850, where the Reason header has one. */
  q850: number | null;
  /** The SIP Call-ID. */
  callId: string;
}

/** Calls by status; `total` is their sum. */
export interface Counts {
  total: number;
  planned: number;
  in_progress: number;
  retry_scheduled: number;
  answered: number;
  completed_without_answer: number;
  technical_error: number;
  not_dialed: number;
  plan_limit_exceeded: number;
}

/** When customers may be called: from `from` until before `to`, both `HH:MM` of a wall clock. */
export interface CallingWindow {
  days: Weekday[];
  /** Wall-clock time of day, `HH:MM`; `24:00` is the end of the day. */
  from: string;
  /** Wall-clock time of day, `HH:MM`; `24:00` is the end of the day. */
  to: string;
}

/** A campaign with its settings and counts. */
export interface Campaign {
  name: string;
  /** Empty: all trunks of the account. */
  trunkIds: string[];
  callerIds: string[];
  schedule: {
    startAt: string | null;
    endAt: string | null;
    /** An IANA time zone. */
    timezone: string;
    /** Windows are read in the zone of the call where it has one, else in the campaign's. */
    useCalleeTimezone: boolean;
    /** Empty: at any time. */
    windows: CallingWindow[];
    excludedDates: string[];
  };
  retry: {
    maxAttempts: number;
    /** Seconds from the end of an attempt to the next one. */
    afterSeconds: number;
    /** What is different after which disposition. */
    rules: Partial<Record<Disposition, {
      /** Seconds from the end of an attempt to the next one. */
      afterSeconds?: number;
      maxAttempts?: number;
      /** `false`: never again after such an end. */
      retry?: boolean;
    }>>;
  };
  pacing: {
    /** Attempts under way at once, dialing to talking. */
    maxConcurrent: number;
    /** New attempts per second, evenly spaced. */
    callsPerSecond: number;
  };
  ringTimeoutSeconds: number;
  maxCallSeconds: number;
  /** Stays in progress when every call is final, for calls added later. */
  keepOpen: boolean;
  bot: {
    type: 'hold';
    /** Seconds from the answer until we hang up, if the customer does not. */
    seconds: number;
  };
  id: string;
  status: CampaignStatus;
  statusReason: StatusReason;
  /** Counts up with every change but those of the counts; `If-Match` compares it. */
  version: number;
  counts: Counts;
  /** Attempts dialing, ringing or talking right now. */
  activeAttempts: number;
  /** The `version` of the `campaign.counts` event with these counts: the higher is the later. */
  countsVersion: number;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

/** A call: one number of one campaign. */
export interface Call {
  id: string;
  campaignId: string;
  /** E.164 with `+`; as it was sent when it cannot be read. */
  phone: string;
  status: CallStatus;
  /** Why it is in its status; a final call always has one. */
  reason: string | null;
  payload: Record<string, unknown>;
  /** Attempts made, the one under way included. */
  attempts: number;
  /** The attempt under way; `number` counts from 1. */
  attempt: {
    number: number;
    state: AttemptState;
    since: string;
  } | null;
  nextAttemptAt: string | null;
  lastDisposition: Disposition | null;
  timezone: string | null;
  priority: number;
  updatedAt: string;
  version: number;
}

/** One try at a call. */
export interface Attempt {
  number: number;
  state: AttemptState;
  trunkId: string;
  callerId: string | null;
  startedAt: string;
  ringingAt: string | null;
  answeredAt: string | null;
  endedAt: string | null;
  talkSeconds: number;
  billedSeconds: number;
  disposition: Disposition | null;
  /** Whether it used up one of the customer's attempts; null while it is under way. */
  charged: boolean | null;
  sip: SipEnd;
  /** Id of the rule that mapped the SIP answer to the disposition. */
  rule: string | null;
}

/** A call with all its attempts, in `attemptList`. */
export interface CallWithAttempts {
  id: string;
  campaignId: string;
  /** E.164 with `+`; as it was sent when it cannot be read. */
  phone: string;
  status: CallStatus;
  /** Why it is in its status; a final call always has one. */
  reason: string | null;
  payload: Record<string, unknown>;
  /** Attempts made, the one under way included. */
  attempts: number;
  /** The attempt under way; `number` counts from 1. */
  attempt: {
    number: number;
    state: AttemptState;
    since: string;
  } | null;
  nextAttemptAt: string | null;
  lastDisposition: Disposition | null;
  timezone: string | null;
  priority: number;
  updatedAt: string;
  version: number;
  attemptList: Attempt[];
}

/** What became of added calls; `ids` are in the order sent. */
export interface AddedCalls {
  ids: string[];
  accepted: number;
  invalid: number;
  duplicates: number;
}

/** How many calls were given up. */
export interface CancelledCalls {
  cancelled: number;
}

/** A SIP trunk; its password is never given back. */
export interface Trunk {
  name: string;
  /** Host name or address; no scheme, no port. */
  host: string;
  port: number;
  transport: 'udp' | 'tcp';
  username: string | null;
  register: false;
  fromDomain: string | null;
  callerIds: string[];
  maxConcurrent: number;
  callsPerSecond: number;
  codecs: ('PCMU' | 'PCMA')[];
  /** The lower goes first. */
  priority: number;
  /** Share among trunks of one priority. */
  weight: number;
  id: string;
  status: 'up' | 'down';
  statusReason: string | null;
}

/** A number that is never called. */
export interface Suppression {
  phone: string;
  reason: string;
  createdAt: string;
}

/** An account with its limits; null is none. */
export interface Account {
  id: string;
  name: string;
  minutes: {
    /** Minutes of talk; null: no limit. Kept to the second, so that they may have a fraction. */
    balance: number | null;
    reserved: number;
  };
  uniqueUsers: {
    limit: number | null;
    used: number;
    periodEnd: string | null;
  };
  maxConcurrent: number | null;
  defaultCountry: string;
}

/** A new account and the key of its admin, shown this once. */
export interface CreatedAccount {
  account: Account;
  key: string;
}

/** An API key, without its secret. */
export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  createdAt: string;
}

/** A new API key with its secret `key`, shown this once. */
export interface CreatedKey {
  id: string;
  name: string;
  role: Role;
  createdAt: string;
  key: string;
}

/** A token that streams accept until `expiresAt`, and nothing else does. */
export interface StreamToken {
  token: string;
  expiresAt: string;
}

/** A place in a topic: `seq` counts up, a new `epoch` means that the log was lost. */
export interface Cursor {
  epoch: string;
  seq: number;
}

/** How far the server is with a subscription. */
export interface Head {
  epoch: string;
  seq: number;
  /** Only in `latest` mode: the last event that was sent, or the one that the subscription began with. */
  sentSeq?: number;
}

/** State of `campaigns`: the newest 1,000. */
export interface CampaignsSnapshot {
  campaigns: Campaign[];
}

/** State of `campaign:<id>`: the calls are those with an attempt under way, 10,000 at most. */
export interface CampaignSnapshot {
  campaign: Campaign;
  calls: Call[];
}

/** State of `system`: the trunks of the account, the dialers, and the account itself. */
export interface SystemSnapshot {
  trunks: {
    id: string;
    name: string;
    host: string;
    port: number;
    transport: 'udp' | 'tcp' | 'tls';
    status: 'up' | 'down';
    statusReason: string | null;
  }[];
  dialers: {
    id: string;
    host: string;
    status: 'up' | 'draining' | 'down';
  }[];
  account: {
    id: string;
    name: string;
    minutes: {
      balance: number | null;
      reserved: number;
    };
    uniqueUsers: {
      limit: number | null;
      used: number;
    };
    maxConcurrent: number | null;
  } | null;
}

/** What events tell, by their type. */
export interface EventDataByType {
  'campaign.created': CampaignCreated;
  'campaign.updated': CampaignUpdated;
  'campaign.status_changed': CampaignStatusChanged;
  'campaign.counts': CampaignCounts;
  'campaign.deleted': CampaignDeleted;
  'call.status_changed': CallStatusChanged;
  'attempt.changed': AttemptChanged;
  'import.progress': ImportProgress;
  'trunk.status_changed': TrunkStatusChanged;
  'dialer.status_changed': DialerStatusChanged;
  'account.limit_changed': AccountLimitChanged;
}

/** One event: CloudEvents 1.0 with its place in a topic. `previousSeq` comes in `latest` mode only. */
export type LiveEvent = {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'campaign.created';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CampaignCreated;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'campaign.updated';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CampaignUpdated;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'campaign.status_changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CampaignStatusChanged;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'campaign.counts';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CampaignCounts;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'campaign.deleted';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CampaignDeleted;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'call.status_changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: CallStatusChanged;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'attempt.changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: AttemptChanged;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'import.progress';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: ImportProgress;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'trunk.status_changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: TrunkStatusChanged;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'dialer.status_changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: DialerStatusChanged;
} | {
  specversion: '1.0';
  /** The same in every topic that the event goes to. */
  id: string;
  /** `/campaigns/<id>` or `/accounts/<id>`. */
  source: string;
  type: 'account.limit_changed';
  /** Id of what it happened to: a call, a campaign, a trunk. */
  subject: string;
  time: string;
  /** As it was subscribed to. */
  topic: string;
  /** The life of the topic's log. */
  epoch: string;
  /** Counts up by one within a topic and epoch; not so in `latest` mode. */
  seq: number;
  /** Only in `latest` mode: no event between `previousSeq` and `seq` was meant for this mode, so that a client at `previousSeq` or later has missed none. */
  previousSeq?: number;
  data: AccountLimitChanged;
};

/** What `campaign.created` tells. */
export interface CampaignCreated {
  campaignId: string;
  name: string;
  reason?: StatusReason;
  version: number;
}

/** What `campaign.updated` tells. */
export interface CampaignUpdated {
  campaignId: string;
  name: string;
  version: number;
}

/** What `campaign.status_changed` tells. */
export interface CampaignStatusChanged {
  campaignId: string;
  from: CampaignStatus;
  to: CampaignStatus;
  reason: StatusReason;
  version: number;
}

/** What `campaign.counts` tells. */
export interface CampaignCounts {
  campaignId: string;
  counts: Counts;
  /** Attempts dialing, ringing or talking right now. */
  activeAttempts: number;
  /** Counts up with every change of the counts; the campaign's `countsVersion`, not its `version`. */
  version: number;
}

/** What `campaign.deleted` tells. */
export interface CampaignDeleted {
  campaignId: string;
  version: number;
}

/** What `call.status_changed` tells. */
export interface CallStatusChanged {
  callId: string;
  campaignId: string;
  /** E.164 with `+`; as it was sent when it cannot be read. */
  phone: string;
  from: CallStatus;
  to: CallStatus;
  /** A final call always has one. */
  reason: string | null;
  /** Attempts made, the one under way included. */
  attempts: number;
  /** Set while the call waits. */
  nextAttemptAt: string | null;
  version: number;
}

/** What `attempt.changed` tells. */
export interface AttemptChanged {
  callId: string;
  campaignId: string;
  phone: string;
  /** Counts from 1 within the call. */
  number: number;
  state: AttemptState;
  trunkId: string;
  /** How it ended; only with a final `state`. */
  disposition?: Disposition;
  sip?: SipEnd;
  version: number;
}

/** What `import.progress` tells. */
export interface ImportProgress {
  importId: string;
  campaignId: string;
  status: 'running' | 'done' | 'failed';
  rows: number;
  accepted: number;
  invalid: number;
  duplicates: number;
}

/** What `trunk.status_changed` tells. */
export interface TrunkStatusChanged {
  trunkId: string;
  from: 'up' | 'down';
  to: 'up' | 'down';
  reason: string;
}

/** What `dialer.status_changed` tells. */
export interface DialerStatusChanged {
  dialerId: string;
  host: string;
  from: 'up' | 'draining' | 'down';
  to: 'up' | 'draining' | 'down';
}

/** What `account.limit_changed` tells. */
export interface AccountLimitChanged {
  accountId: string;
  /** Which one: `minutes`, `uniqueUsers` or `maxConcurrent`. */
  limit: string;
  /** What an account may use. Minutes have a fraction; null: no limit. */
  account: {
    id: string;
    name: string;
    minutes: {
      balance: number | null;
      reserved: number;
    };
    uniqueUsers: {
      limit: number | null;
      used: number;
    };
    maxConcurrent: number | null;
  };
}

/** Settings of a new campaign: all but `name` have defaults. */
export interface NewCampaign {
  /** 1 to 200 characters. */
  name: string;
  /** Empty: all trunks of the account. 20 at most; [] when left out. */
  trunkIds?: string[];
  /** 1,000 at most; [] when left out. */
  callerIds?: string[];
  schedule?: {
    startAt?: string | null;
    endAt?: string | null;
    /** An IANA time zone. 'UTC' when left out. */
    timezone?: string;
    /** Windows are read in the zone of the call where it has one, else in the campaign's. False when left out. */
    useCalleeTimezone?: boolean;
    /** Empty: at any time. 100 at most; [] when left out. */
    windows?: CallingWindow[];
    /** 1,000 at most; [] when left out. */
    excludedDates?: string[];
  };
  retry?: {
    /** 1 to 100; 3 when left out. */
    maxAttempts?: number;
    /** Seconds from the end of an attempt to the next one. 0 to 2,592,000; 1800 when left out. */
    afterSeconds?: number;
    /** What is different after which disposition. */
    rules?: Partial<Record<Disposition, {
      /** Seconds from the end of an attempt to the next one. 0 to 2,592,000. */
      afterSeconds?: number;
      /** 1 to 100. */
      maxAttempts?: number;
      /** `false`: never again after such an end. */
      retry?: boolean;
    }>>;
  };
  pacing?: {
    /** Attempts under way at once, dialing to talking. 1 to 100,000; 50 when left out. */
    maxConcurrent?: number;
    /** New attempts per second, evenly spaced. 0.01 to 10,000; 10 when left out. */
    callsPerSecond?: number;
  };
  /** 5 to 180; 40 when left out. */
  ringTimeoutSeconds?: number;
  /** 1 to 14,400; 600 when left out. */
  maxCallSeconds?: number;
  /** Stays in progress when every call is final, for calls added later. False when left out. */
  keepOpen?: boolean;
  bot?: {
    type: 'hold';
    /** Seconds from the answer until we hang up, if the customer does not. 0.1 to 3,600; 20 when left out. */
    seconds?: number;
  };
}

/** When a campaign starts; left out: now. */
export interface ScheduleCampaign {
  /** Left out or past: now. */
  startAt?: string;
}

/** One call to add. Its phone need not be E.164: the account has a country. */
export interface NewCall {
  /** In any common notation; without a country code it is of the country of the account. One that cannot be read becomes a call with `technical_error`. 100 characters at most. */
  phone: string;
  timezone?: string;
  /** The higher goes first. 0 to 100. */
  priority?: number;
  /** What you want to find again beside the call. */
  payload?: Record<string, unknown>;
  notBefore?: string;
  notAfter?: string;
  /** 100 at most. */
  windows?: CallingWindow[];
  /** 1 to 100. */
  maxAttempts?: number;
  /** 0 to 2,592,000. */
  retryAfterSeconds?: number;
}

/** Calls to give up, by id or by phone. */
export interface CallsToCancel {
  /** 10,000 at most; [] when left out. */
  ids?: string[];
  /** 10,000 at most; [] when left out. */
  phones?: string[];
}

/** Settings of a new trunk: all but `name` and `host` have defaults. */
export interface NewTrunk {
  /** 1 to 200 characters. */
  name: string;
  /** Host name or address; no scheme, no port. */
  host: string;
  /** 1 to 65,535; 5060 when left out. */
  port?: number;
  /** 'udp' when left out. */
  transport?: 'udp' | 'tcp';
  /** 1 to 200 characters; null when left out. */
  username?: string | null;
  /** 1 to 200 characters; null when left out. */
  password?: string | null;
  /** False when left out. */
  register?: false;
  /** Null when left out. */
  fromDomain?: string | null;
  /** 1,000 at most; [] when left out. */
  callerIds?: string[];
  /** 1 to 100,000; 100 when left out. */
  maxConcurrent?: number;
  /** 0.01 to 10,000; 50 when left out. */
  callsPerSecond?: number;
  /** 1 at least; ['PCMU', 'PCMA'] when left out. */
  codecs?: ('PCMU' | 'PCMA')[];
  /** The lower goes first. 0 to 1,000; 0 when left out. */
  priority?: number;
  /** Share among trunks of one priority. 1 to 1,000; 1 when left out. */
  weight?: number;
}

/** Numbers never to be called: one as `phone`, or many as `phones`. */
export interface NewSuppressions {
  /** 1 to 100 characters. */
  phone?: string;
  /** 10,000 at most. */
  phones?: string[];
  /** Why; it is shown beside the number. 1 to 200 characters; 'manual' when left out. */
  reason?: string;
}

/** A new account. */
export interface NewAccount {
  /** 1 to 200 characters. */
  name: string;
  defaultCountry?: string;
  minutes?: {
    /** Minutes of talk; null: no limit. Kept to the second, so that they may have a fraction. -1,000,000,000 to 1,000,000,000. */
    balance?: number | null;
  };
  uniqueUsers?: {
    /** 0 to 2,000,000,000. */
    limit?: number | null;
    periodEnd?: string | null;
  };
  /** 1 to 1,000,000. */
  maxConcurrent?: number | null;
}

/** What is to change of an account. */
export interface AccountPatch {
  /** 1 to 200 characters. */
  name?: string;
  defaultCountry?: string;
  minutes?: {
    /** Minutes of talk; null: no limit. Kept to the second, so that they may have a fraction. -1,000,000,000 to 1,000,000,000. */
    balance?: number | null;
  };
  uniqueUsers?: {
    /** 0 to 2,000,000,000. */
    limit?: number | null;
    periodEnd?: string | null;
  };
  /** 1 to 1,000,000. */
  maxConcurrent?: number | null;
}

/** What a stream token is for: these topics, or all that the key may have. */
export interface NewStreamToken {
  /** Left out: all that the key may have. 1 to 50. */
  topics?: string[];
  /** 10 to 86,400; 3600 when left out. */
  ttlSeconds?: number;
}

/** A new API key. */
export interface NewKey {
  /** 1 to 200 characters. */
  name: string;
  role: Role;
}
