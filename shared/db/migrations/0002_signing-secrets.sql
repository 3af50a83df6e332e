-- Up Migration

-- What this installation signs with. All its servers share it, so that one knows what another has signed.
create table signing_secrets (
  purpose text primary key,
  secret bytea not null,
  created_at timestamptz not null default now()
);

-- Down Migration

drop table signing_secrets;
