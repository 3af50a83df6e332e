import type { DialerChange } from '../db/dialers.js';
import type { Pool, Tx } from '../db/pool.js';
import { systemEvent, type Outbox } from './outbox.js';

/**
 * Changes dialers in a transaction, and tells the admins of all accounts, since dialers serve them all. An
 * account that is made meanwhile has no subscriber yet.
 */
export async function tellDialers(
  { pool, outbox }: { pool: Pool; outbox: Outbox },
  change: (tx: Tx) => Promise<DialerChange[]>,
): Promise<DialerChange[]> {
  const { rows } = await pool.query<{ id: string }>('select id from accounts');
  const accountIds = rows.map((row) => row.id);
  return outbox.change(accountIds, async (tx, emit) => {
    const changes = await change(tx);
    for (const data of changes) {
      for (const accountId of accountIds) {
        emit(systemEvent(accountId, data.dialerId, { type: 'dialer.status_changed', data }));
      }
    }
    return changes;
  });
}
