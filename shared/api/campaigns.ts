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

const point = instant.nullable().default(null);

/** Settings as they may be sent: with instants that the columns can hold. */
export const sentSettings = campaignSettings.extend({
  schedule: schedule.extend({ startAt: point, endAt: point }).prefault({}),
});
export const scheduleCampaign = z.strictObject({ startAt: instant.optional() });
