import type { LiveClient } from './client.js';
import { applyCampaignEvent, isCampaignEvent, liveCampaign, type LiveCampaign } from './live-campaign.js';
import { createStore, type Freshness, type LiveStore, type StoreOptions } from './live-store.js';
import { isListWithIds } from './saved-state.js';

/** All campaigns of the account (the newest 1,000, and those created since) with their counts. */
export interface CampaignsView extends Freshness {
  /** The newest first. */
  campaigns: readonly LiveCampaign[];
  byId: ReadonlyMap<string, LiveCampaign>;
}

/** Keeps the account's campaigns up to date. */
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
      view: (freshness) => campaignsView(freshness, [...byId.values()]),
      dump: () => [...byId.values()],
      restore(state) {
        if (!isListWithIds(state)) return false;
        byId = new Map((state as LiveCampaign[]).map((campaign) => [campaign.id, campaign]));
        return true;
      },
    },
    options,
  );
}

/** The view of a store that has these campaigns. */
export function campaignsView(freshness: Freshness, campaigns: LiveCampaign[]): CampaignsView {
  return {
    ...freshness,
    byId: new Map(campaigns.map((campaign) => [campaign.id, campaign])),
    // Ids begin with the time of their making (UUID version 7).
    campaigns: campaigns.sort((a, b) => (a.id < b.id ? 1 : -1)),
  };
}
