export {
  DialstreamProvider,
  useCampaign,
  useCampaigns,
  useConnectionState,
  useLiveClient,
  useSystem,
  type DialstreamProviderProps,
  type HookOptions,
  type TopicHookOptions,
} from './hooks.js';
