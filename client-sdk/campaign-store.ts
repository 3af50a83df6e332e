import type { LiveClient } from './client.js';
import { applyCampaignEvent, isCampaignEvent, liveCampaign, type LiveCampaign } from './live-campaign.js';
import { createStore, type Freshness, type LiveStore, type StoreOptions } from './live-store.js';
import type { AttemptState, Call, CallStatus, LiveEvent } from './generated/types.js';
import { hasId, isListWithIds } from './saved-state.js';

/** A call with an attempt under way. */
export interface LiveCall {
  id: string;
  phone: string;
  status: CallStatus;
  attempt: { number: number; state: AttemptState; since: string };
  version: number;
}

/** One campaign and its calls under way. */
export interface CampaignView extends Freshness {
  /** Null before the snapshot, and once it is deleted. */
  campaign: LiveCampaign | null;
  /** By call id. Empty in `latest` mode, which leaves the events of calls out. */
  calls: ReadonlyMap<string, LiveCall>;
}

type AttemptEvent = Extract<LiveEvent, { type: 'attempt.changed' }>;
type CallEvent = Extract<LiveEvent, { type: 'call.status_changed' }>;

/** Keeps a campaign and its calls under way up to date. */
export function campaignStore(
  client: LiveClient,
  campaignId: string,
  options: StoreOptions = {},
): LiveStore<CampaignView> {
  let campaign: LiveCampaign | null = null;
  let calls = new Map<string, LiveCall>();
  return createStore(
    client,
    {
      topic: `campaign:${campaignId}` as const,
      load(snapshot) {
        campaign = liveCampaign(snapshot.campaign);
        calls = new Map(options.mode === 'latest' ? [] : snapshot.calls.flatMap((call) => liveCall(call)));
      },
      apply(event) {
        if (event.type === 'attempt.changed') return applyAttempt(calls, event);
        if (event.type === 'call.status_changed') return applyCall(calls, event);
        if (!isCampaignEvent(event)) return false;
        const before = campaign;
        campaign = applyCampaignEvent(before, event);
        return campaign !== before;
      },
      view: (freshness) => ({ ...freshness, campaign, calls: new Map(calls) }),
      dump: () => ({ campaign, calls: [...calls.values()] }),
      restore(state) {
        const saved = (state ?? {}) as { campaign?: unknown; calls?: unknown };
        if (!(saved.campaign === null || hasId(saved.campaign)) || !isListWithIds(saved.calls)) return false;
        campaign = saved.campaign as LiveCampaign | null;
        calls = new Map((saved.calls as LiveCall[]).map((call) => [call.id, call]));
        return true;
      },
    },
    options,
  );
}

function liveCall({ id, phone, status, attempt, version }: Call): [string, LiveCall][] {
  return attempt === null ? [] : [[id, { id, phone, status, attempt, version }]];
}

/** Events of one change of a call share its version, so an equal one is not yet old. */
function isOld(known: LiveCall | undefined, version: number): boolean {
  return known !== undefined && version < known.version;
}

function applyAttempt(calls: Map<string, LiveCall>, { data, time }: AttemptEvent): boolean {
  const { callId, number, state, version, phone } = data;
  const known = calls.get(callId);
  if (isOld(known, version)) return false;
  if (state === 'completed' || state === 'failed' || state === 'canceled') return calls.delete(callId);
  const isSame = known?.attempt.number === number && known.attempt.state === state;
  calls.set(callId, {
    id: callId,
    phone,
    // A call is `planned` until its first attempt is over, and awaits a retry at each later one.
    status: known?.status ?? (number === 1 ? 'planned' : 'retry_scheduled'),
    attempt: { number, state, since: isSame ? known.attempt.since : time },
    version,
  });
  return true;
}

function applyCall(calls: Map<string, LiveCall>, { data }: CallEvent): boolean {
  const known = calls.get(data.callId);
  // One without an attempt under way is not kept here.
  if (known === undefined || isOld(known, data.version)) return false;
  calls.set(data.callId, { ...known, phone: data.phone, status: data.to, version: data.version });
  return true;
}
