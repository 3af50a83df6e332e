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
  actor: string;
  at: string;
}

/** How an attempt ended in SIP; `q850` is the cause of ITU-T Q.850. */
export interface SipEnd {
  code: number | null;
  phrase: string | null;
  q850: number | null;
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
  from: string;
  to: string;
}

/** A campaign with its settings and counts. */
export interface Campaign {
  name: string;
  trunkIds: string[];
  callerIds: string[];
  schedule: {
    startAt: string | null;
    endAt: string | null;
    timezone: string;
    useCalleeTimezone: boolean;
    windows: CallingWindow[];
    excludedDates: string[];
  };
  retry: {
    maxAttempts: number;
    afterSeconds: number;
    rules: Partial<Record<Disposition, {
      afterSeconds?: number;
      maxAttempts?: number;
      retry?: boolean;
    }>>;
  };
  pacing: {
    maxConcurrent: number;
    callsPerSecond: number;
  };
  ringTimeoutSeconds: number;
  maxCallSeconds: number;
  keepOpen: boolean;
  bot: {
    type: 'hold';
    seconds: number;
  };
  id: string;
  status: CampaignStatus;
  statusReason: StatusReason;
  version: number;
  counts: Counts;
  activeAttempts: number;
  countsVersion: number;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

/** A call: one number of one campaign. */
export interface Call {
  id: string;
  campaignId: string;
  phone: string;
  status: CallStatus;
  reason: string | null;
  payload: Record<string, unknown>;
  attempts: number;
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
  charged: boolean | null;
  sip: SipEnd;
  rule: string | null;
}

/** A call with all its attempts, in `attemptList`. */
export interface CallWithAttempts {
  id: string;
  campaignId: string;
  phone: string;
  status: CallStatus;
  reason: string | null;
  payload: Record<string, unknown>;
  attempts: number;
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
  priority: number;
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
  id: string;
  source: string;
  type: 'campaign.created';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CampaignCreated;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'campaign.updated';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CampaignUpdated;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'campaign.status_changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CampaignStatusChanged;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'campaign.counts';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CampaignCounts;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'campaign.deleted';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CampaignDeleted;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'call.status_changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: CallStatusChanged;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'attempt.changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: AttemptChanged;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'import.progress';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: ImportProgress;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'trunk.status_changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: TrunkStatusChanged;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'dialer.status_changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
  previousSeq?: number;
  data: DialerStatusChanged;
} | {
  specversion: '1.0';
  id: string;
  source: string;
  type: 'account.limit_changed';
  subject: string;
  time: string;
  topic: string;
  epoch: string;
  seq: number;
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
  activeAttempts: number;
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
  phone: string;
  from: CallStatus;
  to: CallStatus;
  reason: string | null;
  attempts: number;
  nextAttemptAt: string | null;
  version: number;
}

/** What `attempt.changed` tells. */
export interface AttemptChanged {
  callId: string;
  campaignId: string;
  phone: string;
  number: number;
  state: AttemptState;
  trunkId: string;
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
  limit: string;
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
  /** 20 at most; [] when left out. */
  trunkIds?: string[];
  /** 1,000 at most; [] when left out. */
  callerIds?: string[];
  schedule?: {
    startAt?: string | null;
    endAt?: string | null;
    /** 'UTC' when left out. */
    timezone?: string;
    /** False when left out. */
    useCalleeTimezone?: boolean;
    /** 100 at most; [] when left out. */
    windows?: CallingWindow[];
    /** 1,000 at most; [] when left out. */
    excludedDates?: string[];
  };
  retry?: {
    /** 1 to 100; 3 when left out. */
    maxAttempts?: number;
    /** 0 to 2,592,000; 1800 when left out. */
    afterSeconds?: number;
    rules?: Partial<Record<Disposition, {
      /** 0 to 2,592,000. */
      afterSeconds?: number;
      /** 1 to 100. */
      maxAttempts?: number;
      retry?: boolean;
    }>>;
  };
  pacing?: {
    /** 1 to 100,000; 50 when left out. */
    maxConcurrent?: number;
    /** 0.01 to 10,000; 10 when left out. */
    callsPerSecond?: number;
  };
  /** 5 to 180; 40 when left out. */
  ringTimeoutSeconds?: number;
  /** 1 to 14,400; 600 when left out. */
  maxCallSeconds?: number;
  /** False when left out. */
  keepOpen?: boolean;
  bot?: {
    type: 'hold';
    /** 0.1 to 3,600; 20 when left out. */
    seconds?: number;
  };
}

/** When a campaign starts; left out: now. */
export interface ScheduleCampaign {
  startAt?: string;
}

/** One call to add. Its phone need not be E.164: the account has a country. */
export interface NewCall {
  /** 100 characters at most. */
  phone: string;
  timezone?: string;
  /** 0 to 100. */
  priority?: number;
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
  /** 0 to 1,000; 0 when left out. */
  priority?: number;
  /** 1 to 1,000; 1 when left out. */
  weight?: number;
}

/** Numbers never to be called: one as `phone`, or many as `phones`. */
export interface NewSuppressions {
  /** 1 to 100 characters. */
  phone?: string;
  /** 10,000 at most. */
  phones?: string[];
  /** 1 to 200 characters; 'manual' when left out. */
  reason?: string;
}

/** A new account. */
export interface NewAccount {
  /** 1 to 200 characters. */
  name: string;
  defaultCountry?: string;
  minutes?: {
    /** -1,000,000,000 to 1,000,000,000. */
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
    /** -1,000,000,000 to 1,000,000,000. */
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
  /** 1 to 50. */
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
