import { account, apiKey, createAccount, createKey, patchAccount } from '@dialstream/shared/api/accounts.js';
import { attempt, call, callWithAttempts, newCall } from '@dialstream/shared/api/calls.js';
import { campaign, scheduleCampaign, sentSettings } from '@dialstream/shared/api/campaigns.js';
import { createStreamToken, streamToken } from '@dialstream/shared/api/stream-tokens.js';
import { suppress, suppression } from '@dialstream/shared/api/suppressions.js';
import { trunk, trunkSettings } from '@dialstream/shared/api/trunks.js';
import { callingWindow, counts } from '@dialstream/shared/domain/campaign.js';
import {
  accountLimits,
  cursor,
  eventData,
  liveEvent,
  sipEnd,
  statusReason,
  type EventType,
} from '@dialstream/shared/events/contract.js';
import {
  clientFrame,
  head,
  heartbeat,
  resync,
  serverFrames,
  subscribeAck,
  subscribeRequest,
  unsubscribeAck,
  unsubscribeRequest,
} from '@dialstream/shared/events/protocol.js';
import { campaignSnapshot, campaignsSnapshot, systemSnapshot } from '@dialstream/shared/events/snapshots.js';
import { fault, problem } from '../problems.js';
import type { Names } from './schemas.js';

/** `campaign.status_changed` → `CampaignStatusChanged`, the name of what such an event tells. */
export function nameOfData(type: EventType): string {
  return type.replaceAll(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The name of an event as a whole. */
export function nameOfEvent(type: EventType): string {
  return `${nameOfData(type)}Event`;
}

const events: Names = {};
for (const [type, schema] of Object.entries(eventData)) events[nameOfData(type as EventType)] = schema;
for (const schema of liveEvent.options) events[nameOfEvent(schema.shape.type.value)] = schema;

/** What both documents have. */
const common: Names = {
  Campaign: campaign,
  Counts: counts,
  StatusReason: statusReason,
  CallingWindow: callingWindow,
  Call: call,
};

const [recovered, afresh, refusal] = subscribeAck.options;
const [unsubscribed] = unsubscribeAck.options;

/** What the gateway sends. */
export const liveAnswers: Names = {
  ...common,
  SipEnd: sipEnd,
  AccountLimits: accountLimits,
  Cursor: cursor,
  Head: head,
  Recovered: recovered,
  SubscribedAfresh: afresh,
  Refusal: refusal,
  Unsubscribed: unsubscribed,
  Heartbeat: heartbeat,
  Resync: resync,
  ErrorFrame: serverFrames.error,
  CampaignsSnapshot: campaignsSnapshot,
  CampaignSnapshot: campaignSnapshot,
  SystemSnapshot: systemSnapshot,
  ...events,
};

const [subscribeFrame, unsubscribeFrame] = clientFrame.options;

/** What clients send it. */
export const liveRequests: Names = {
  SubscribeRequest: subscribeRequest,
  UnsubscribeRequest: unsubscribeRequest,
  SubscribeFrame: subscribeFrame,
  UnsubscribeFrame: unsubscribeFrame,
};

export const httpAnswers: Names = {
  ...common,
  CallWithAttempts: callWithAttempts,
  Attempt: attempt,
  SipEnd: sipEnd,
  Trunk: trunk,
  Suppression: suppression,
  Account: account,
  ApiKey: apiKey,
  StreamToken: streamToken,
  Problem: problem,
  Fault: fault,
};

export const httpRequests: Names = {
  NewCampaign: sentSettings,
  ScheduleCampaign: scheduleCampaign,
  NewCall: newCall,
  NewTrunk: trunkSettings,
  NewSuppressions: suppress,
  NewAccount: createAccount,
  AccountPatch: patchAccount,
  NewKey: createKey,
  NewStreamToken: createStreamToken,
};
