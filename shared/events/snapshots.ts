import { z } from 'zod';
import { call } from '../api/calls.js';
import { campaign } from '../api/campaigns.js';
import { accountLimits, dialerStatus } from './contract.js';

/** State of `campaigns`: the newest 1,000; older ones come by HTTP. */
export const campaignsSnapshot = z.object({ campaigns: z.array(campaign) });
export type CampaignsSnapshot = z.infer<typeof campaignsSnapshot>;

/** State of `campaign:<id>`: the calls are those with an attempt under way, 10,000 at most. */
export const campaignSnapshot = z.object({ campaign, calls: z.array(call) });
export type CampaignSnapshot = z.infer<typeof campaignSnapshot>;

/** State of `system`. Dialers serve all accounts; one that is gone is shown for an hour. */
export const systemSnapshot = z.object({
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
});
export type SystemSnapshot = z.infer<typeof systemSnapshot>;

/** What a snapshot is, by its topic. */
export type AnySnapshot = CampaignsSnapshot | CampaignSnapshot | SystemSnapshot;
