import { z } from 'zod';
import { campaignSettings, counts } from '../domain/campaign.js';
import { campaignStatuses } from '../domain/status.js';
import { statusReason } from '../events/contract.js';

/** A campaign as `GET /v1/campaigns/:id` gives it. */
export const campaign = campaignSettings.extend({
  id: z.string(),
  status: z.enum(campaignStatuses),
  statusReason,
  version: z.int(),
  counts,
  /** Attempts dialing, ringing or talking right now. */
  activeAttempts: z.int(),
  /** Compares counts with those of a `campaign.counts` event: the higher is the later. */
  countsVersion: z.int(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
});
export type Campaign = z.infer<typeof campaign>;

export const createCampaign = campaignSettings;
export const scheduleCampaign = z.strictObject({ startAt: z.iso.datetime({ offset: true }).optional() });
