import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react';
import { campaignStore, type CampaignView } from '../campaign-store.js';
import { campaignsStore, type CampaignsView } from '../campaigns-store.js';
import type { LiveClient } from '../client.js';
import type { SubscriptionMode } from '../generated/types.js';
import { systemStore, type SystemView } from '../system-store.js';
import type { ConnectionState } from '../types.js';
import { emptyViews, shareStore, viewOf, type StoreKind } from './shared-stores.js';

/** What {@link DialstreamProvider} takes. */
export interface DialstreamProviderProps {
  /** The client of all hooks below; null while there is none, such as on a server. It stays yours to close. */
  client: LiveClient | null;
  children?: ReactNode;
}

/** Settings of a hook. */
export interface HookOptions {
  /** Instead of the provider's. */
  client?: LiveClient | null;
}

/** Settings of a hook that shows a topic. */
export interface TopicHookOptions extends HookOptions {
  /** As of a subscription; `stream` when left out. */
  mode?: SubscriptionMode;
}

const context = createContext<LiveClient | null | undefined>(undefined);

/** Gives a client to all hooks below it. */
export function DialstreamProvider({ client, children }: DialstreamProviderProps): ReactElement {
  return createElement(context.Provider, { value: client }, children);
}

/** The provider's client. Throws an Error where there is no provider. */
export function useLiveClient(): LiveClient | null {
  const client = useContext(context);
  if (client === undefined) throw new Error('There is no DialstreamProvider above this component.');
  return client;
}

/** All campaigns of the account, live. Components that show the same share one subscription. */
export function useCampaigns(options: TopicHookOptions = {}): CampaignsView {
  return useStore(useClient(options), campaignsKinds[options.mode ?? 'stream']);
}

/** One campaign and its calls under way, live; null: none yet. */
export function useCampaign(id: string | null, options: TopicHookOptions = {}): CampaignView {
  const client = useClient(options);
  return useStore(id === null ? null : client, campaignKind(id ?? '', options.mode ?? 'stream'));
}

/** Trunks, dialers and limits, live. Needs the role `admin`. */
export function useSystem(options: HookOptions = {}): SystemView {
  return useStore(useClient(options), systemKind);
}

/** How the connection stands. */
export function useConnectionState(options: HookOptions = {}): ConnectionState {
  const client = useClient(options);
  const subscribe = useCallback(
    (listener: () => void) => client?.onState(listener) ?? (() => undefined),
    [client],
  );
  return useSyncExternalStore(
    subscribe,
    () => client?.state ?? noConnection,
    () => noConnection,
  );
}

const noConnection: ConnectionState = {
  status: 'connecting',
  code: 'connecting',
  reason: 'there is no client yet',
};

function useClient({ client }: HookOptions): LiveClient | null {
  const provided = useContext(context);
  if (client !== undefined) return client;
  if (provided === undefined) throw new Error('There is neither a DialstreamProvider nor the option client.');
  return provided;
}

function useStore<View>(client: LiveClient | null, kind: StoreKind<View>): View {
  const subscribe = useCallback(
    (listener: () => void) => (client === null ? () => undefined : shareStore(client, kind, listener)),
    // The key names all that a kind is made of.
    [client, kind.key],
  );
  return useSyncExternalStore(
    subscribe,
    () => (client === null ? kind.empty.loading : viewOf(client, kind)),
    () => kind.empty.loading,
  );
}

const noCampaigns = emptyViews<CampaignsView>((freshness) => ({
  ...freshness,
  campaigns: [],
  byId: new Map(),
}));
const noCampaign = emptyViews<CampaignView>((freshness) => ({
  ...freshness,
  campaign: null,
  calls: new Map(),
}));

function campaignsKind(mode: SubscriptionMode): StoreKind<CampaignsView> {
  return {
    key: `campaigns ${mode}`,
    create: (client) => campaignsStore(client, { mode }),
    empty: noCampaigns,
  };
}

const campaignsKinds = { stream: campaignsKind('stream'), latest: campaignsKind('latest') };

function campaignKind(id: string, mode: SubscriptionMode): StoreKind<CampaignView> {
  return {
    key: `campaign:${id} ${mode}`,
    create: (client) => campaignStore(client, id, { mode }),
    empty: noCampaign,
  };
}

const systemKind: StoreKind<SystemView> = {
  key: 'system',
  create: (client) => systemStore(client),
  empty: emptyViews((freshness) => ({ ...freshness, trunks: [], dialers: [], account: null })),
};
