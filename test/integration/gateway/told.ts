import type { CampaignView } from '@dialstream/client-sdk';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import { callsUnderWay } from '@dialstream/shared/db/calls.js';
import type { Pool } from '@dialstream/shared/db/pool.js';

/** What both the stream and Postgres tell of a campaign. */
export function told({
  id,
  name,
  status,
  statusReason,
  version,
  counts,
  countsVersion,
  ...rest
}: Omit<Campaign, 'bot'>) {
  const { activeAttempts, startedAt, finishedAt } = rest;
  const { code } = statusReason;
  return { id, name, status, code, version, counts, countsVersion, activeAttempts, startedAt, finishedAt };
}

export async function callsInPostgres(db: Pool, campaignId: string) {
  const calls = await callsUnderWay(db, campaignId, 10_000);
  return calls
    .map(({ id, status, attempt, version }) => ({
      id,
      status,
      number: attempt?.number,
      state: attempt?.state,
      version,
    }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

export function callsInStore({ calls }: CampaignView) {
  return [...calls.values()]
    .map(({ id, status, attempt: { number, state }, version }) => ({ id, status, number, state, version }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
}
