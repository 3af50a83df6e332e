import type {
  Account,
  AccountPatch,
  AddedCalls,
  ApiKey,
  Call,
  CallStatus,
  CallsToCancel,
  CallWithAttempts,
  Campaign,
  CampaignStatus,
  CancelledCalls,
  CreatedAccount,
  CreatedKey,
  NewAccount,
  NewCall,
  NewCampaign,
  NewKey,
  NewStreamToken,
  NewSuppressions,
  NewTrunk,
  ScheduleCampaign,
  StreamToken,
  Suppression,
  Trunk,
} from './generated/types.js';
import {
  createSend,
  type ActionOptions,
  type ChangeOptions,
  type HttpClientOptions,
  type PostOptions,
  type RequestOptions,
  type Send,
} from './http-request.js';

/** What is to change of a campaign. Objects are merged one level deep; lists and `bot` are replaced. */
export type CampaignPatch = Partial<NewCampaign>;

/** What is to change of a trunk; lists are replaced. */
export type TrunkPatch = Partial<NewTrunk>;

/** Which part of a list to get. */
export interface Paging {
  /** 1 to 500; 50 when left out. */
  limit?: number;
  /** The `nextCursor` of the page before. */
  cursor?: string;
}

/** Which campaigns to list. */
export interface CampaignFilter extends Paging {
  status?: readonly CampaignStatus[];
}

/** Which calls of a campaign to list. */
export interface CallFilter extends Paging {
  status?: readonly CallStatus[];
  /** Digits that the phone holds. */
  q?: string;
}

/** A part of a list; `nextCursor` is null in the last. */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** All of `/v1`, as {@link createHttpClient} gives it. */
export type HttpClient = ReturnType<typeof createHttpClient>;

/**
 * The HTTP interface of a server, typed. Each call is one request; `all` of a list asks for one page after the
 * other while it is iterated over. All reject with an {@link ApiError}. Throws a TypeError when `url` is no
 * address.
 */
export function createHttpClient(options: HttpClientOptions) {
  const send = createSend(options);
  return {
    campaigns: campaignsOf(send),
    calls: callsOf(send),
    trunks: trunksOf(send),
    suppressions: suppressionsOf(send),
    account: accountOf(send),
    accounts: accountsOf(send),
    keys: keysOf(send),
    streamTokens: streamTokensOf(send),
  };
}

function campaignsOf(send: Send) {
  const act = (action: string) => (id: string, options?: ActionOptions) =>
    send<Campaign>('POST', path`/campaigns/${id}/${action}`, { body: {}, ...options });
  return {
    /** The newest first. */
    ...listOf<Campaign, CampaignFilter>(send, '/campaigns'),
    get: (id: string, options?: RequestOptions) => send<Campaign>('GET', path`/campaigns/${id}`, options),
    /** Makes a draft. */
    create: (body: NewCampaign, options?: PostOptions) =>
      send<Campaign>('POST', '/campaigns', { body, ...options }),
    patch: (id: string, body: CampaignPatch, options?: ChangeOptions) =>
      send<Campaign>('PATCH', path`/campaigns/${id}`, { body, ...options }),
    /** What runs is finished first. */
    delete: (id: string, options?: ChangeOptions) => send<void>('DELETE', path`/campaigns/${id}`, options),
    /** Starts it at `startAt`, or now. */
    schedule: (id: string, body: ScheduleCampaign = {}, options?: ActionOptions) =>
      send<Campaign>('POST', path`/campaigns/${id}/schedule`, { body, ...options }),
    unschedule: act('unschedule'),
    pause: act('pause'),
    resume: act('resume'),
    finish: act('finish'),
  };
}

function callsOf(send: Send) {
  const listOfCampaign = (id: string) => listOf<Call, CallFilter>(send, path`/campaigns/${id}/calls`);
  return {
    /** One page of a campaign's calls. */
    list: (campaignId: string, filter?: CallFilter, options?: RequestOptions) =>
      listOfCampaign(campaignId).list(filter, options),
    /** Every call of a campaign; `limit` is that of each page. */
    all: (campaignId: string, filter?: CallFilter, options?: RequestOptions) =>
      listOfCampaign(campaignId).all(filter, options),
    get: (id: string, options?: RequestOptions) => send<CallWithAttempts>('GET', path`/calls/${id}`, options),
    /** Adds 1 to 10,000 calls to a campaign. */
    add: (campaignId: string, calls: readonly NewCall[], options?: PostOptions) =>
      send<AddedCalls>('POST', path`/campaigns/${campaignId}/calls`, { body: { calls }, ...options }),
    /** Gives up calls that are not over yet. */
    cancel: (campaignId: string, body: CallsToCancel, options?: PostOptions) =>
      send<CancelledCalls>('POST', path`/campaigns/${campaignId}/calls/cancel`, { body, ...options }),
  };
}

function trunksOf(send: Send) {
  return {
    ...listOf<Trunk, Paging>(send, '/trunks'),
    get: (id: string, options?: RequestOptions) => send<Trunk>('GET', path`/trunks/${id}`, options),
    create: (body: NewTrunk, options?: PostOptions) => send<Trunk>('POST', '/trunks', { body, ...options }),
    patch: (id: string, body: TrunkPatch, options?: RequestOptions) =>
      send<Trunk>('PATCH', path`/trunks/${id}`, { body, ...options }),
    delete: (id: string, options?: RequestOptions) => send<void>('DELETE', path`/trunks/${id}`, options),
  };
}

function suppressionsOf(send: Send) {
  return {
    ...listOf<Suppression, Paging>(send, '/suppressions'),
    add: (body: NewSuppressions, options?: PostOptions) =>
      send<{ items: Suppression[] }>('POST', '/suppressions', { body, ...options }),
    delete: (phone: string, options?: RequestOptions) =>
      send<void>('DELETE', path`/suppressions/${phone}`, options),
  };
}

function accountOf(send: Send) {
  return {
    /** The account of the key. */
    get: (options?: RequestOptions) => send<Account>('GET', '/account', options),
    /** Minutes and limits need the root key. */
    patch: (body: AccountPatch, options?: RequestOptions) =>
      send<Account>('PATCH', '/account', { body, ...options }),
  };
}

/** For the root key only. */
function accountsOf(send: Send) {
  return {
    ...listOf<Account, Paging>(send, '/accounts'),
    create: (body: NewAccount, options?: PostOptions) =>
      send<CreatedAccount>('POST', '/accounts', { body, ...options }),
    patch: (id: string, body: AccountPatch, options?: RequestOptions) =>
      send<Account>('PATCH', path`/accounts/${id}`, { body, ...options }),
  };
}

function keysOf(send: Send) {
  return {
    ...listOf<ApiKey, Paging>(send, '/keys'),
    create: (body: NewKey, options?: PostOptions) => send<CreatedKey>('POST', '/keys', { body, ...options }),
    delete: (id: string, options?: RequestOptions) => send<void>('DELETE', path`/keys/${id}`, options),
  };
}

function streamTokensOf(send: Send) {
  return {
    /** A token for a browser, which is not to have an API key. */
    create: (body: NewStreamToken = {}, options?: PostOptions) =>
      send<StreamToken>('POST', '/stream-tokens', { body, ...options }),
  };
}

function listOf<Item, Filter extends Paging>(send: Send, address: string) {
  const list = (filter?: Filter, options?: RequestOptions) =>
    send<Page<Item>>('GET', address, { ...options, ...(filter && { query: filter }) });
  return {
    /** One page. */
    list,
    /** Every item of all pages; `limit` is that of each page. */
    async *all(filter?: Filter, options?: RequestOptions): AsyncGenerator<Item, void, undefined> {
      let cursor: string | null | undefined = filter?.cursor;
      do {
        const page: Page<Item> = await list({ ...filter, ...(cursor && { cursor }) } as Filter, options);
        yield* page.items;
        cursor = page.nextCursor;
      } while (cursor !== null);
    },
  };
}

/** An address whose parts are escaped. */
function path(texts: TemplateStringsArray, ...parts: string[]): string {
  return texts.reduce((whole, text, i) => whole + encodeURIComponent(parts[i - 1] ?? '') + text);
}
