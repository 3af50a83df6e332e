import { z } from 'zod';
import { call } from '../api/calls.js';
import { campaign } from '../api/campaigns.js';
import { accountLimits, dialerStatus } from './contract.js';

export const campaignsSnapshot = z
  .object({ campaigns: z.array(campaign) })
  .describe('State of `campaigns`: the newest 1,000; older ones come by HTTP.');
export type CampaignsSnapshot = z.infer<typeof campaignsSnapshot>;

export const campaignSnapshot = z
  .object({ campaign, calls: z.array(call) })
  .describe('State of `campaign:<id>`: the calls are those with an attempt under way, 10,000 at most.');
export type CampaignSnapshot = z.infer<typeof campaignSnapshot>;

export const systemSnapshot = z
  .object({
    trunks: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        host: z.string(),
        port: z.int(),
        transport: z.enum(['udp', 'tcp', 'tls']),
        status: z.enum(['up', 'down']),
        statusReason: z.string().nullable(),
      }),
    ),
    dialers: z.array(z.object({ id: z.string(), host: z.string(), status: dialerStatus })),
    account: accountLimits.nullable(),
  })
  .describe('State of `system`. Dialers serve all accounts; one that is gone is shown for an hour.');
export type SystemSnapshot = z.infer<typeof systemSnapshot>;

/** What a snapshot is, by its topic. */
export type AnySnapshot = CampaignsSnapshot | CampaignSnapshot | SystemSnapshot;
