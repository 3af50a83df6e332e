import {
  eventData,
  type EventData,
  type EventType,
  type Happening,
  type LiveEvent,
} from '@dialstream/shared/events/contract.js';
import { campaignEvent, systemEvent } from '@dialstream/shared/events/outbox.js';
import { storedTopic } from '@dialstream/shared/events/topics.js';
import { exampleCounts, exampleLimits, exampleTime, ids } from './examples.js';

interface EventText<Type extends EventType> {
  /** When it comes and what to do with it. */
  summary: string;
  example: EventData<Type>;
}

const campaignId = ids.campaign;

/** What the documents say of each event. */
const texts: { [Type in EventType]: EventText<Type> } = {
  'campaign.created': {
    summary: 'A campaign was created, as a draft without calls. Read the rest of it by HTTP.',
    example: { campaignId, name: 'October reminder', version: 1 },
  },
  'campaign.updated': {
    summary: 'Settings of a campaign have changed. Read them by HTTP.',
    example: { campaignId, name: 'October reminder', version: 2 },
  },
  'campaign.status_changed': {
    summary: 'A campaign has another status, with the reason for it.',
    example: {
      campaignId,
      from: 'in_progress',
      to: 'paused',
      reason: {
        code: 'out_of_minutes',
        message: 'The account has no minutes left.',
        actor: 'system',
        at: exampleTime,
      },
      version: 4,
    },
  },
  'campaign.counts': {
    summary: 'The counts of a campaign, all of them: each event replaces the one before.',
    example: { campaignId, counts: exampleCounts, activeAttempts: 18, version: 163 },
  },
  'campaign.deleted': {
    summary: 'A campaign was deleted.',
    example: { campaignId, version: 9 },
  },
  'call.status_changed': {
    summary: 'A call has another status, or waits for another attempt.',
    example: {
      callId: ids.call,
      campaignId,
      phone: '+12025550123',
      from: 'planned',
      to: 'retry_scheduled',
      reason: 'no_answer',
      attempts: 1,
      nextAttemptAt: '2026-10-05T10:00:12.417Z',
      version: 4,
    },
  },
  'attempt.changed': {
    summary: 'An attempt has begun, rings, was answered or has ended.',
    example: {
      callId: ids.call,
      campaignId,
      phone: '+12025550123',
      number: 1,
      state: 'failed',
      trunkId: ids.trunk,
      disposition: 'no_answer',
      sip: {
        code: 480,
        phrase: 'Temporarily Unavailable',
        q850: 19,
        callId: '0199c3a2-77aa-7f10-8c4d-3e2f1a0b9c8d',
      },
      version: 4,
    },
  },
  'import.progress': {
    summary: 'How far the import of a file of numbers is. No part sends it yet.',
    example: {
      importId: ids.import,
      campaignId,
      status: 'running',
      rows: 5000,
      accepted: 4890,
      invalid: 12,
      duplicates: 98,
    },
  },
  'trunk.status_changed': {
    summary: 'A trunk has gone down or is back. No part sends it yet.',
    example: { trunkId: ids.trunk, from: 'up', to: 'down', reason: 'no answer to OPTIONS' },
  },
  'dialer.status_changed': {
    summary: 'A dialer has come, drains or is gone. Dialers serve all accounts.',
    example: { dialerId: ids.dialer, host: 'dialer-1', from: 'up', to: 'draining' },
  },
  'account.limit_changed': {
    summary:
      'Minutes or a limit of the account were changed by hand; `account` has all of them as they are now.',
    example: { accountId: ids.account, limit: 'maxConcurrent', account: exampleLimits },
  },
};

export const eventTypes = Object.keys(eventData) as EventType[];

/** The topics as clients name them. */
export const topics = ['campaigns', `campaign:${campaignId}`, 'system'] as const;
export type ExampleTopic = (typeof topics)[number];

export interface DocumentedEvent {
  type: EventType;
  summary: string;
  /** Those it goes to; its example is of the first. */
  topics: ExampleTopic[];
  example: LiveEvent;
}

/** Made by the code that makes the events themselves, so that the topics are those they really go to. */
export function documentedEvent(type: EventType): DocumentedEvent {
  const { summary, example: data } = texts[type];
  const happening = { type, data } as Happening;
  const { topics: stored, body } = isOfCampaign(data)
    ? campaignEvent(ids.account, data.campaignId, happening)
    : systemEvent(ids.account, subjectOf(data), happening);
  const goesTo = topics.filter((topic) => stored.includes(storedTopic(ids.account, topic)));
  const [topic = 'system'] = goesTo;
  const { data: told, ...head } = JSON.parse(body) as LiveEvent;
  const example = {
    ...head,
    id: '0199c3a2-9f3d-7a61-8b5e-4d3c2b1a0f9e',
    time: exampleTime,
    topic,
    epoch: ids.epoch,
    seq: 1042,
    data: told,
  } as LiveEvent;
  return { type, summary, topics: goesTo, example };
}

function isOfCampaign(data: object): data is { campaignId: string } {
  return 'campaignId' in data;
}

function subjectOf(data: Happening['data']): string {
  if ('trunkId' in data) return data.trunkId;
  if ('dialerId' in data) return data.dialerId;
  return ids.account;
}
