-- Up Migration

create table accounts (
  id uuid primary key,
  name text not null,
  -- The account that ADMIN_KEY belongs to.
  is_root boolean not null default false,
  -- Null: no limit. Seconds of talk that were bought and not yet used.
  balance_seconds bigint,
  -- Held for attempts under way; settled when they end.
  reserved_seconds bigint not null default 0 check (reserved_seconds >= 0),
  unique_users_limit integer check (unique_users_limit >= 0),
  unique_users_used integer not null default 0 check (unique_users_used >= 0),
  period_start timestamptz not null default now(),
  period_end timestamptz,
  max_concurrent integer check (max_concurrent > 0),
  default_country text not null default 'US',
  created_at timestamptz not null default now()
);
create unique index accounts_root on accounts (is_root) where is_root;

create table unique_users (
  account_id uuid not null references accounts,
  period_start timestamptz not null,
  phone text not null,
  primary key (account_id, period_start, phone)
);

create table api_keys (
  id uuid primary key,
  account_id uuid not null references accounts,
  name text not null,
  role text not null check (role in ('admin', 'operator', 'viewer')),
  is_root boolean not null default false,
  -- SHA-256 of the key: it is random and long, so nothing slower is needed.
  secret_hash bytea not null unique,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index api_keys_account on api_keys (account_id, id);

create table trunks (
  id uuid primary key,
  account_id uuid not null references accounts,
  name text not null,
  host text not null,
  port integer not null,
  transport text not null check (transport in ('udp', 'tcp', 'tls')),
  username text,
  password text,
  register boolean not null default false,
  from_domain text,
  caller_ids text[] not null,
  max_concurrent integer not null,
  calls_per_second double precision not null,
  codecs text[] not null,
  priority integer not null,
  weight integer not null,
  status text not null default 'up' check (status in ('up', 'down')),
  status_reason text,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index trunks_account on trunks (account_id, id) where deleted_at is null;

create table campaigns (
  id uuid primary key,
  account_id uuid not null references accounts,
  name text not null,
  status text not null check (status in ('draft', 'planned', 'in_progress', 'paused', 'finished')),
  reason_code text not null,
  reason_message text not null,
  reason_actor text not null,
  reason_at timestamptz not null,
  version integer not null default 1,
  -- The rest of the settings as `shared/domain/campaign.ts` describes them.
  settings jsonb not null,
  -- Copies of schedule.startAt and schedule.endAt, for the clock work.
  start_at timestamptz,
  end_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  deleted_at timestamptz
);
create index campaigns_account on campaigns (account_id, id desc) where deleted_at is null;
create index campaigns_running on campaigns (id) where status = 'in_progress';
create index campaigns_to_start on campaigns (start_at) where status = 'planned';
create index campaigns_to_end on campaigns (end_at) where status in ('planned', 'in_progress', 'paused');

create table campaign_counts (
  campaign_id uuid primary key references campaigns,
  -- Counts up with every change of the counts.
  version integer not null default 0,
  planned integer not null default 0 check (planned >= 0),
  in_progress integer not null default 0 check (in_progress >= 0),
  retry_scheduled integer not null default 0 check (retry_scheduled >= 0),
  answered integer not null default 0 check (answered >= 0),
  completed_without_answer integer not null default 0 check (completed_without_answer >= 0),
  technical_error integer not null default 0 check (technical_error >= 0),
  not_dialed integer not null default 0 check (not_dialed >= 0),
  plan_limit_exceeded integer not null default 0 check (plan_limit_exceeded >= 0),
  active_attempts integer not null default 0 check (active_attempts >= 0)
) with (fillfactor = 50);

create table calls (
  id uuid primary key,
  campaign_id uuid not null references campaigns,
  -- The campaign's.
  account_id uuid not null,
  -- As it is shown; `e164` is null when it could not be read as a number.
  phone text not null,
  e164 text,
  status text not null check (status in ('planned', 'in_progress', 'retry_scheduled', 'answered',
    'completed_without_answer', 'technical_error', 'not_dialed', 'plan_limit_exceeded')),
  reason text,
  priority smallint not null default 0,
  payload jsonb,
  timezone text,
  not_before timestamptz,
  not_after timestamptz,
  windows jsonb,
  max_attempts smallint,
  retry_after_seconds integer,
  -- Attempts made, the one under way included; of these, charged ones; and uncharged ones in a row.
  attempts smallint not null default 0,
  charged_attempts smallint not null default 0,
  uncharged_attempts smallint not null default 0,
  last_disposition text,
  -- Set exactly while the call waits to be claimed.
  next_attempt_at timestamptz,
  -- The attempt under way.
  attempt_id uuid,
  attempt_state text,
  attempt_since timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  constraint calls_waiting_or_under_way check (next_attempt_at is null or attempt_id is null),
  constraint calls_waiting_are_open check (next_attempt_at is null or status in ('planned', 'retry_scheduled'))
) with (fillfactor = 80);
create unique index calls_phone on calls (campaign_id, e164);
-- What the claim walks: one range per priority, in the order in which calls are due.
create index calls_due on calls (campaign_id, priority desc, next_attempt_at) where next_attempt_at is not null;
create index calls_status on calls (campaign_id, status, id);
create index calls_list on calls (campaign_id, id);
create index calls_under_way on calls (campaign_id) where attempt_id is not null;

create table dialers (
  id uuid primary key,
  host text not null,
  pid integer not null,
  status text not null check (status in ('up', 'draining', 'down')),
  started_at timestamptz not null default now(),
  -- Its lease: past this instant others may take over what it left.
  alive_until timestamptz not null
);

create table attempts (
  id uuid primary key,
  -- Without foreign keys: no call, campaign, account, trunk or dialer is ever removed, and the checks would
  -- cost as much as the claim itself and lock rows that every claim and renewal write.
  call_id uuid not null,
  campaign_id uuid not null,
  account_id uuid not null,
  number smallint not null,
  state text not null check (state in ('dialing', 'ringing', 'answered', 'completed', 'failed', 'canceled')),
  trunk_id uuid not null,
  caller_id text,
  -- The dialer that owns it while it is under way.
  dialer_id uuid not null,
  -- Chosen by us and stored before the INVITE, so that anyone can end the call (RFC 3261 section 12).
  sip_call_id text not null,
  sip_from_tag text not null,
  -- drachtio's id of the INVITE transaction, to CANCEL it; and the far end's side of the dialog, to BYE it.
  sip_txn_id text,
  sip_dialog jsonb,
  reserved_seconds integer not null default 0,
  started_at timestamptz not null default now(),
  ringing_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  talk_ms integer,
  billed_seconds integer not null default 0,
  disposition text,
  charged boolean,
  sip_code smallint,
  sip_phrase text,
  q850 smallint,
  rule text,
  constraint attempts_end check ((ended_at is null) = (state in ('dialing', 'ringing', 'answered')))
) with (fillfactor = 80);
create unique index attempts_call on attempts (call_id, number);
create index attempts_under_way on attempts (dialer_id) where ended_at is null;

create table suppressions (
  account_id uuid not null references accounts,
  phone text not null,
  reason text not null,
  created_at timestamptz not null default now(),
  primary key (account_id, phone)
);

-- One row per ordering scope (a campaign or an account): the number of its last event.
create table event_heads (
  scope uuid primary key,
  last_no bigint not null default 0
) with (fillfactor = 50);

-- Events that Redis may not have yet. Written with their change, removed once Redis has them.
create table event_rows (
  scope uuid not null,
  no bigint not null,
  -- The topics it goes to, as Redis names them.
  topics text[] not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (scope, no)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create table idempotency_keys (
  account_id uuid not null references accounts,
  key text not null,
  body_hash bytea not null,
  status smallint,
  response text,
  created_at timestamptz not null default now(),
  primary key (account_id, key)
);

-- The counts of a campaign follow every change of its calls, whoever makes it: one update per statement,
-- in the statement's own transaction. Transition tables have one shape per operation, so there are three.
create function count_added_calls() returns trigger language plpgsql as $$
begin
  update campaign_counts c set
    version = c.version + 1,
    planned = c.planned + d.planned,
    in_progress = c.in_progress + d.in_progress,
    retry_scheduled = c.retry_scheduled + d.retry_scheduled,
    answered = c.answered + d.answered,
    completed_without_answer = c.completed_without_answer + d.completed_without_answer,
    technical_error = c.technical_error + d.technical_error,
    not_dialed = c.not_dialed + d.not_dialed,
    plan_limit_exceeded = c.plan_limit_exceeded + d.plan_limit_exceeded,
    active_attempts = c.active_attempts + d.active_attempts
  from (
    select campaign_id,
      coalesce(sum(n) filter (where status = 'planned'), 0) as planned,
      coalesce(sum(n) filter (where status = 'in_progress'), 0) as in_progress,
      coalesce(sum(n) filter (where status = 'retry_scheduled'), 0) as retry_scheduled,
      coalesce(sum(n) filter (where status = 'answered'), 0) as answered,
      coalesce(sum(n) filter (where status = 'completed_without_answer'), 0) as completed_without_answer,
      coalesce(sum(n) filter (where status = 'technical_error'), 0) as technical_error,
      coalesce(sum(n) filter (where status = 'not_dialed'), 0) as not_dialed,
      coalesce(sum(n) filter (where status = 'plan_limit_exceeded'), 0) as plan_limit_exceeded,
      coalesce(sum(n) filter (where under_way), 0) as active_attempts
    from (select campaign_id, status, attempt_id is not null as under_way, 1 as n from after_change) as changed
    group by campaign_id
  ) d
  where c.campaign_id = d.campaign_id
    and (d.planned, d.in_progress, d.retry_scheduled, d.answered, d.completed_without_answer,
      d.technical_error, d.not_dialed, d.plan_limit_exceeded, d.active_attempts) <> (0, 0, 0, 0, 0, 0, 0, 0, 0);
  return null;
end $$;

create function count_changed_calls() returns trigger language plpgsql as $$
begin
  update campaign_counts c set
    version = c.version + 1,
    planned = c.planned + d.planned,
    in_progress = c.in_progress + d.in_progress,
    retry_scheduled = c.retry_scheduled + d.retry_scheduled,
    answered = c.answered + d.answered,
    completed_without_answer = c.completed_without_answer + d.completed_without_answer,
    technical_error = c.technical_error + d.technical_error,
    not_dialed = c.not_dialed + d.not_dialed,
    plan_limit_exceeded = c.plan_limit_exceeded + d.plan_limit_exceeded,
    active_attempts = c.active_attempts + d.active_attempts
  from (
    select campaign_id,
      coalesce(sum(n) filter (where status = 'planned'), 0) as planned,
      coalesce(sum(n) filter (where status = 'in_progress'), 0) as in_progress,
      coalesce(sum(n) filter (where status = 'retry_scheduled'), 0) as retry_scheduled,
      coalesce(sum(n) filter (where status = 'answered'), 0) as answered,
      coalesce(sum(n) filter (where status = 'completed_without_answer'), 0) as completed_without_answer,
      coalesce(sum(n) filter (where status = 'technical_error'), 0) as technical_error,
      coalesce(sum(n) filter (where status = 'not_dialed'), 0) as not_dialed,
      coalesce(sum(n) filter (where status = 'plan_limit_exceeded'), 0) as plan_limit_exceeded,
      coalesce(sum(n) filter (where under_way), 0) as active_attempts
    from (select campaign_id, status, attempt_id is not null as under_way, 1 as n from after_change union all select campaign_id, status, attempt_id is not null, -1 from before_change) as changed
    group by campaign_id
  ) d
  where c.campaign_id = d.campaign_id
    and (d.planned, d.in_progress, d.retry_scheduled, d.answered, d.completed_without_answer,
      d.technical_error, d.not_dialed, d.plan_limit_exceeded, d.active_attempts) <> (0, 0, 0, 0, 0, 0, 0, 0, 0);
  return null;
end $$;

create function count_removed_calls() returns trigger language plpgsql as $$
begin
  update campaign_counts c set
    version = c.version + 1,
    planned = c.planned + d.planned,
    in_progress = c.in_progress + d.in_progress,
    retry_scheduled = c.retry_scheduled + d.retry_scheduled,
    answered = c.answered + d.answered,
    completed_without_answer = c.completed_without_answer + d.completed_without_answer,
    technical_error = c.technical_error + d.technical_error,
    not_dialed = c.not_dialed + d.not_dialed,
    plan_limit_exceeded = c.plan_limit_exceeded + d.plan_limit_exceeded,
    active_attempts = c.active_attempts + d.active_attempts
  from (
    select campaign_id,
      coalesce(sum(n) filter (where status = 'planned'), 0) as planned,
      coalesce(sum(n) filter (where status = 'in_progress'), 0) as in_progress,
      coalesce(sum(n) filter (where status = 'retry_scheduled'), 0) as retry_scheduled,
      coalesce(sum(n) filter (where status = 'answered'), 0) as answered,
      coalesce(sum(n) filter (where status = 'completed_without_answer'), 0) as completed_without_answer,
      coalesce(sum(n) filter (where status = 'technical_error'), 0) as technical_error,
      coalesce(sum(n) filter (where status = 'not_dialed'), 0) as not_dialed,
      coalesce(sum(n) filter (where status = 'plan_limit_exceeded'), 0) as plan_limit_exceeded,
      coalesce(sum(n) filter (where under_way), 0) as active_attempts
    from (select campaign_id, status, attempt_id is not null as under_way, -1 as n from before_change) as changed
    group by campaign_id
  ) d
  where c.campaign_id = d.campaign_id
    and (d.planned, d.in_progress, d.retry_scheduled, d.answered, d.completed_without_answer,
      d.technical_error, d.not_dialed, d.plan_limit_exceeded, d.active_attempts) <> (0, 0, 0, 0, 0, 0, 0, 0, 0);
  return null;
end $$;

create trigger calls_added after insert on calls
  referencing new table as after_change for each statement execute function count_added_calls();
create trigger calls_changed after update on calls
  referencing old table as before_change new table as after_change
  for each statement execute function count_changed_calls();
create trigger calls_removed after delete on calls
  referencing old table as before_change for each statement execute function count_removed_calls();

-- Down Migration

drop table idempotency_keys, event_rows, event_heads, suppressions, attempts, dialers, calls,
  campaign_counts, campaigns, trunks, api_keys, unique_users, accounts;
drop function count_added_calls, count_changed_calls, count_removed_calls;
