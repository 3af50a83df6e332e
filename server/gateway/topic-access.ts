import type { Pool } from '@dialstream/shared/db/pool.js';
import { campaignOf, isTopicName, storedTopic, type TopicName } from '@dialstream/shared/events/topics.js';
import type { RefusalCode } from '@dialstream/shared/events/protocol.js';
import { shareInFlight } from './share-in-flight.js';
import type { StreamRights } from './stream-rights.js';

/** A topic under its two names: `campaigns` is one per account, so Redis names it otherwise. */
export interface Topic {
  name: TopicName;
  stored: string;
  accountId: string;
}

/** Finds the topic that a client names, or why it may not have it. Throws when Postgres does not answer. */
export type FindTopic = (rights: StreamRights, name: string) => Promise<Topic | { refused: RefusalCode }>;

/** Owners of so many campaigns are remembered, so that returning clients cost Postgres nothing. */
const rememberedOwners = 10_000;

/** What has the length of an id need not be one, and Postgres refuses to compare it. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createTopicAccess(pool: Pool): FindTopic {
  // A campaign never changes its account.
  const owners = new Map<string, string>();
  const share = shareInFlight<string | null>();

  async function ownerOf(campaignId: string): Promise<string | null> {
    const owner = await readOwner(pool, campaignId);
    if (owner !== null) {
      const [oldest] = owners.keys();
      if (owners.size >= rememberedOwners && oldest !== undefined) owners.delete(oldest);
      owners.set(campaignId, owner);
    }
    return owner;
  }

  return async ({ principal: { accountId, role }, topics }, name) => {
    if (!isTopicName(name)) return { refused: 'not_found' };
    if (topics !== null && !topics.includes(name)) return { refused: 'forbidden' };
    if (name === 'system' && role !== 'admin') return { refused: 'forbidden' };
    const campaignId = campaignOf(name);
    if (campaignId !== null) {
      if (!uuid.test(campaignId)) return { refused: 'not_found' };
      const owner = owners.get(campaignId) ?? (await share(campaignId, () => ownerOf(campaignId)));
      if (owner !== accountId) return { refused: 'not_found' };
    }
    return { name, stored: storedTopic(accountId, name), accountId };
  };
}

async function readOwner(pool: Pool, campaignId: string): Promise<string | null> {
  const { rows } = await pool.query<{ account_id: string }>({
    name: 'campaign-owner',
    text: 'select account_id from campaigns where id = $1::uuid and deleted_at is null',
    values: [campaignId],
  });
  return rows[0]?.account_id ?? null;
}
