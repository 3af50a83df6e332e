import type { Pool } from '@dialstream/shared/db/pool.js';

/** Has Postgres itself note, at every commit, what was told and how the counts stood. */
export async function noteCommits(db: Pool): Promise<void> {
  await db.query(`
    create table committed_events (id text primary key, scope uuid, no bigint, topics text[]);
    create function note_events() returns trigger language plpgsql as $$ begin
      insert into committed_events select body::json ->> 'id', scope, no, topics from added;
      return null;
    end $$;
    create trigger note_events after insert on event_rows referencing new table as added
      for each statement execute function note_events();

    create table committed_counts (campaign_id uuid, version integer, shown jsonb,
      primary key (campaign_id, version));
    create function note_counts() returns trigger language plpgsql as $$ begin
      insert into committed_counts
        select campaign_id, version, to_jsonb(c) - 'campaign_id' - 'version' from campaign_counts c
          where campaign_id = new.campaign_id
        on conflict do nothing;
      return null;
    end $$;
    create constraint trigger note_counts after insert or update on campaign_counts
      deferrable initially deferred for each row execute function note_counts();
  `);
}

/** Where an event stands among those of its scope that go to the same topic: 1, 2, … */
export interface Place {
  scope: string;
  place: number;
}

/** What was committed to a topic, by its stored name: each event's place by its id. */
export async function committedTo(db: Pool, stored: string): Promise<Map<string, Place>> {
  const { rows } = await db.query<Place & { id: string }>(
    `select id, scope, row_number() over (partition by scope order by no) as place
      from committed_events where topics @> array[$1]`,
    [stored],
  );
  return new Map(rows.map(({ id, scope, place }) => [id, { scope, place }]));
}

export async function committedCount(db: Pool): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*) from committed_events');
  return rows[0]?.count ?? 0;
}

/** `<campaign id> <counts version>` → the counts of that version, as Postgres held them at a commit. */
export async function committedCounts(db: Pool): Promise<Map<string, Record<string, number>>> {
  const { rows } = await db.query<{ campaign_id: string; version: number; shown: Record<string, number> }>(
    'select * from committed_counts',
  );
  return new Map(rows.map(({ campaign_id: id, version, shown }) => [`${id} ${version}`, shown]));
}
