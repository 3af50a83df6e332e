import type { LiveClient } from './client.js';
import { applyCampaignEvent, isCampaignEvent, liveCampaign, type LiveCampaign } from './live-campaign.js';
import { createStore, type Freshness, type LiveStore, type StoreOptions } from './live-store.js';

/** All campaigns of the account (the newest 1,000, and those created since) with their counts. */
export interface CampaignsView extends Freshness {
  /** The newest first. */
  campaigns: readonly LiveCampaign[];
  byId: ReadonlyMap<string, LiveCampaign>;
}

/** Keeps the account's campaigns up to date. Takes the client's subscription to `campaigns`. */
export function campaignsStore(client: LiveClient, options: StoreOptions = {}): LiveStore<CampaignsView> {
  let byId = new Map<string, LiveCampaign>();
  return createStore(
    client,
    {
      topic: 'campaigns',
      load({ campaigns }) {
        byId = new Map(campaigns.map((campaign) => [campaign.id, liveCampaign(campaign)]));
      },
      apply(event) {
        if (!isCampaignEvent(event)) return false;
        const { campaignId } = event.data;
        const before = byId.get(campaignId) ?? null;
        const after = applyCampaignEvent(before, event);
        if (after === null) byId.delete(campaignId);
        else byId.set(campaignId, after);
        return after !== before;
      },
      view: (freshness) => ({
        ...freshness,
        byId: new Map(byId),
        // Ids begin with the time of their making (UUID version 7).
        campaigns: [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1)),
      }),
    },
    options,
  );
}
