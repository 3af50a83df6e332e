import { z } from 'zod';
import { campaignSettings, counts, schedule } from '../domain/campaign.js';
import { campaignStatuses } from '../domain/status.js';
import { statusReason } from '../events/contract.js';
import { instant } from './instant.js';

/** A campaign as `GET /v1/campaigns/:id` gives it. */
export const campaign = campaignSettings.extend({
  id: z.string(),
  status: z.enum(campaignStatuses),
  statusReason,
  version: z.int().describe('Counts up with every change but those of the counts; `If-Match` compares it.'),
  counts,
  activeAttempts: z.int().describe('Attempts dialing, ringing or talking right now.'),
  countsVersion: z
    .int()
    .describe('The `version` of the `campaign.counts` event with these counts: the higher is the later.'),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
});
export type Campaign = z.infer<typeof campaign>;

const point = instant.nullable().default(null);

/** Settings as they may be sent: with instants that the columns can hold. */
export const sentSettings = campaignSettings.extend({
  schedule: schedule.extend({ startAt: point, endAt: point }).prefault({}),
});
export const scheduleCampaign = z.strictObject({
  startAt: instant.optional().describe('Left out or past: now.'),
});
