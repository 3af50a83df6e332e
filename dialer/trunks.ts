import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Codec } from './media/sdp.js';

/** A trunk as an attempt needs it. */
export interface DialTrunk {
  id: string;
  accountId: string;
  name: string;
  host: string;
  port: number;
  transport: 'udp' | 'tcp' | 'tls';
  username: string | null;
  password: string | null;
  fromDomain: string | null;
  callerIds: string[];
  maxConcurrent: number;
  callsPerSecond: number;
  codecs: Codec[];
  priority: number;
  weight: number;
  status: 'up' | 'down';
}

interface TrunkRow {
  id: string;
  account_id: string;
  name: string;
  host: string;
  port: number;
  transport: DialTrunk['transport'];
  username: string | null;
  password: string | null;
  from_domain: string | null;
  caller_ids: string[];
  max_concurrent: number;
  calls_per_second: number;
  codecs: Codec[];
  priority: number;
  weight: number;
  status: DialTrunk['status'];
}

/** The trunks of accounts that have a campaign in progress. */
export async function trunksInUse(pool: Pool): Promise<DialTrunk[]> {
  const { rows } = await pool.query<TrunkRow>({
    name: 'trunks-in-use',
    text: `select * from trunks t where deleted_at is null and exists (
      select from campaigns c where c.account_id = t.account_id and c.status = 'in_progress')`,
  });
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    host: row.host,
    port: row.port,
    transport: row.transport,
    username: row.username,
    password: row.password,
    fromDomain: row.from_domain,
    callerIds: row.caller_ids,
    maxConcurrent: row.max_concurrent,
    callsPerSecond: row.calls_per_second,
    codecs: row.codecs,
    priority: row.priority,
    weight: row.weight,
    status: row.status,
  }));
}

/**
 * The trunks an account's campaign may use now, in the order in which to try them: by priority, and within
 * one priority at random by weight. No trunk ids mean all trunks of the account.
 */
export function orderTrunks(
  trunks: readonly DialTrunk[],
  { accountId, trunkIds }: { accountId: string; trunkIds: readonly string[] },
  random: () => number = Math.random,
): DialTrunk[] {
  return (
    trunks
      .filter((trunk) => trunk.accountId === accountId && trunk.status === 'up')
      .filter((trunk) => trunkIds.length === 0 || trunkIds.includes(trunk.id))
      // Exponential order statistics: the chance to come first is proportional to the weight.
      .map((trunk) => ({ trunk, key: -Math.log(1 - random()) / trunk.weight }))
      .toSorted((a, b) => a.trunk.priority - b.trunk.priority || a.key - b.key)
      .map(({ trunk }) => trunk)
  );
}
