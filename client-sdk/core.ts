export { ApiError, type ApiProblem, type Fault } from './api-error.js';
export { fullJitter, type FullJitterOptions, type ReconnectPolicy } from './backoff.js';
export { campaignStore, type CampaignView, type LiveCall } from './campaign-store.js';
export { campaignsStore, type CampaignsView } from './campaigns-store.js';
export type { ConnectOptions, LiveClient } from './client.js';
export type { Token } from './connection.js';
export { LiveError, type LiveErrorCode } from './errors.js';
export type * from './generated/types.js';
export {
  createHttpClient,
  type CallFilter,
  type CampaignFilter,
  type CampaignPatch,
  type HttpClient,
  type Page,
  type Paging,
  type TrunkPatch,
} from './http-client.js';
export type {
  ActionOptions,
  ChangeOptions,
  HttpClientOptions,
  PostOptions,
  RequestOptions,
} from './http-request.js';
export type { IterateOptions, StreamItem } from './iterate.js';
export type { LiveCampaign } from './live-campaign.js';
export type { Freshness, LiveStore, StoreOptions } from './live-store.js';
export type { SavedState } from './saved-state.js';
export {
  systemStore,
  type LiveAccount,
  type LiveDialer,
  type LiveTrunk,
  type SystemView,
} from './system-store.js';
export type {
  Transport,
  TransportAddress,
  TransportFault,
  TransportLink,
  TransportListener,
} from './transport.js';
export type * from './types.js';
export {
  webSocket,
  type WebSocketConstructor,
  type WebSocketLike,
  type WebSocketOptions,
} from './web-socket.js';
