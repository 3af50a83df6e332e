import { v7 as uuidv7 } from 'uuid';
import { bothSettled, transaction, type Pool, type Tx } from '../db/pool.js';
import type { Happening } from './contract.js';
import type { Publisher } from './publisher.js';
import { storedTopic } from './topics.js';

/** An event before its transaction gives it its number. */
export interface PendingEvent {
  /** What its order is kept within: the id of a campaign or an account. */
  scope: string;
  /** Stored names of the topics that it goes to. */
  topics: string[];
  body: string;
}

/** A committed event: `no` counts up by one within its scope, in the order of the commits. */
export interface NumberedEvent extends PendingEvent {
  no: number;
}

export type Emit = (event: PendingEvent) => void;

/** Opens a scope within a change, which may then emit its events; the first gets number 1. */
export type OpenScope = (scope: string) => Promise<void>;

export interface Outbox {
  /**
   * Runs `work` in a transaction that holds the events it emits, and publishes them after the commit.
   * The scopes are locked first and in one order, so that two changes cannot wait for each other, and so
   * that the numbers within a scope follow the order of the commits; what `work` reads, it reads under the
   * lock. Emitting outside of them, and of those that `work` opens, throws.
   */
  change<T>(scopes: Iterable<string>, work: (tx: Tx, emit: Emit, open: OpenScope) => Promise<T>): Promise<T>;
  /** The same for a scope that begins with this change, such as a new campaign. */
  begin<T>(scope: string, work: (tx: Tx, emit: Emit) => Promise<T>): Promise<T>;
}

export function createOutbox({ pool, publisher }: { pool: Pool; publisher: Publisher }): Outbox {
  const change: Outbox['change'] = async (scopes, work) => {
    const emitted: PendingEvent[] = [];
    let heads = new Map<string, number>();
    let events: NumberedEvent[] = [];
    const result = await transaction(
      pool,
      async (tx) => {
        const opened: string[] = [];
        const open: OpenScope = async (scope) => {
          opened.push(scope);
          await openScope(tx, scope);
        };
        // The queries of `work` follow the lock without waiting for its answer: Postgres keeps their order.
        const locking = lockScopes(tx, [...new Set(scopes)]);
        const working = work(tx, (event) => void emitted.push(event), open);
        const [done, locked] = await bothSettled(working, locking);
        heads = locked;
        for (const scope of opened) heads.set(scope, 0);
        events = numbered(emitted, heads);
        return done;
      },
      async (tx) => {
        if (events.length > 0) await writeEvents(tx, heads, events);
      },
    );
    publisher.publish(events);
    return result;
  };

  return {
    change,
    begin: (scope, work) =>
      change([], async (tx, emit, open) => {
        await open(scope);
        return work(tx, emit);
      }),
  };
}

/** Gives events the next numbers of their scopes, which are counted up in `heads`. */
function numbered(events: readonly PendingEvent[], heads: Map<string, number>): NumberedEvent[] {
  return events.map((event) => {
    const no = heads.get(event.scope);
    if (no === undefined) throw new Error(`scope ${event.scope} is not locked by this change`);
    heads.set(event.scope, no + 1);
    return { ...event, no: no + 1 };
  });
}

async function lockScopes(tx: Tx, scopes: string[]): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ scope: string; last_no: number }>({
    name: 'lock-scopes',
    text: 'select scope, last_no from event_heads where scope = any ($1::uuid[]) order by scope for update',
    values: [scopes],
  });
  return new Map(rows.map((row) => [row.scope, row.last_no]));
}

/** Opens a scope; its first event gets number 1. */
export async function openScope(tx: Tx, scope: string): Promise<void> {
  await tx.query('insert into event_heads (scope) values ($1)', [scope]);
}

async function writeEvents(tx: Tx, heads: Map<string, number>, events: NumberedEvent[]): Promise<void> {
  const changed = [...new Set(events.map((event) => event.scope))];
  await tx.query({
    name: 'write-events',
    text: `with bumped as (
        update event_heads h set last_no = n.last_no
        from unnest($1::uuid[], $2::bigint[]) n (scope, last_no) where h.scope = n.scope
      )
      insert into event_rows (scope, no, topics, body)
      select scope, no, string_to_array(topics, ' '), body
      from unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[]) e (scope, no, topics, body)`,
    values: [
      changed,
      changed.map((scope) => heads.get(scope)),
      events.map((event) => event.scope),
      events.map((event) => event.no),
      events.map((event) => event.topics.join(' ')),
      events.map((event) => event.body),
    ],
  });
}

/** An event of a campaign: calls and attempts go to its own topic, the rest to the account's as well. */
export function campaignEvent(accountId: string, campaignId: string, happening: Happening): PendingEvent {
  const own = storedTopic(accountId, `campaign:${campaignId}`);
  const forAll = happening.type.startsWith('campaign.') || happening.type === 'import.progress';
  return {
    scope: campaignId,
    topics: forAll ? [own, storedTopic(accountId, 'campaigns')] : [own],
    body: cloudEvent(`/campaigns/${campaignId}`, subjectOf(happening) ?? campaignId, happening),
  };
}

/** An event for the admins of an account. */
export function systemEvent(accountId: string, subject: string, happening: Happening): PendingEvent {
  return {
    scope: accountId,
    topics: [storedTopic(accountId, 'system')],
    body: cloudEvent(`/accounts/${accountId}`, subject, happening),
  };
}

function subjectOf({ data }: Happening): string | undefined {
  return 'callId' in data ? data.callId : undefined;
}

/** CloudEvents 1.0; `topic`, `epoch` and `seq` are added where it is read, since they differ by topic. */
function cloudEvent(source: string, subject: string, { type, data }: Happening): string {
  const time = new Date().toISOString();
  return JSON.stringify({ specversion: '1.0', id: uuidv7(), source, type, subject, time, data });
}
