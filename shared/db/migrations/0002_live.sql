-- Up Migration

-- What this installation signs with. All its servers share it, so that one knows what another has signed.
create table signing_secrets (
  purpose text primary key,
  secret bytea not null,
  created_at timestamptz not null default now()
);

-- Its lease ran out, and that was told; a dialer that comes back tells that as well.
alter table dialers add column lapsed boolean not null default false;

-- Down Migration

alter table dialers drop column lapsed;
drop table signing_secrets;
