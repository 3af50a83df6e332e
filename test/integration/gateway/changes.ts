import { emitCounts } from '@dialstream/shared/db/campaign-changes.js';
import { campaignEvent, type Outbox } from '@dialstream/shared/events/outbox.js';

/** Renames a campaign `times` times, each a change of its own with one event. Version n is named `version n`. */
export async function rename(
  outbox: Outbox,
  {
    accountId,
    campaignId,
    times = 1,
    padding = '',
  }: {
    accountId: string;
    campaignId: string;
    times?: number;
    padding?: string;
  },
): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await outbox.change([campaignId], async (tx, emit) => {
      const { rows } = await tx.query<{ version: number }>(
        `update campaigns set version = version + 1, name = 'version ' || (version + 1) where id = $1
          returning version`,
        [campaignId],
      );
      const version = rows[0]?.version ?? 0;
      const data = { campaignId, name: `version ${version}${padding}`, version };
      emit(campaignEvent(accountId, campaignId, { type: 'campaign.updated', data }));
    });
  }
}

/** Adds a call `times` times, each a change of its own with one event: the campaign's counts. */
export async function countChanges(
  outbox: Outbox,
  { accountId, campaignId, times }: { accountId: string; campaignId: string; times: number },
): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await outbox.change([campaignId], async (tx, emit) => {
      await tx.query(
        `insert into calls (id, campaign_id, account_id, phone, e164, status, next_attempt_at)
          select id, $1, $2, '+1' || id, '+1' || id, 'planned', now() from gen_random_uuid() id`,
        [campaignId, accountId],
      );
      await emitCounts(tx, emit, campaignId);
    });
  }
}

/** `from` to `to`, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
