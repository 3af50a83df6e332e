export { fullJitter, type FullJitterOptions, type ReconnectPolicy } from './backoff.js';
export { campaignStore, type CampaignView, type LiveCall } from './campaign-store.js';
export { campaignsStore, type CampaignsView } from './campaigns-store.js';
export { connect, type ConnectOptions, type LiveClient } from './client.js';
export type { Token } from './connection.js';
export { LiveError, type LiveErrorCode } from './errors.js';
export type { LiveCampaign } from './live-campaign.js';
export type { Freshness, LiveStore, StoreOptions } from './live-store.js';
export type * from './types.js';
