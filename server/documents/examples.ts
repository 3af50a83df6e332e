import type { Call } from '@dialstream/shared/api/calls.js';
import type { Campaign } from '@dialstream/shared/api/campaigns.js';
import type { Problem } from '../problems.js';
import type { Json } from './schemas.js';
import type { AccountLimits, Cursor } from '@dialstream/shared/events/contract.js';
import type { SystemSnapshot } from '@dialstream/shared/events/snapshots.js';

/** The things that the examples of the documents speak of. */
export const ids = {
  account: '0199c3a0-5d20-7c41-9a6e-0d6f2b8e4c10',
  campaign: '0199c3a1-7f54-7b02-8d1c-52a1c0e9f377',
  call: '0199c3a2-01bb-7d9e-b1f0-9c4f8a7d2e65',
  trunk: '0199c3a0-9ad1-7e33-84b7-6f0e1d2c3b4a',
  dialer: '0199c3a0-2c88-74f5-93d2-1a0b9c8d7e6f',
  import: '0199c3a3-4412-70aa-a5c8-7b6a59483726',
  epoch: '3f1c7a52-9b0e-4d6a-8e21-c5d4b3a29180',
} as const;

export const exampleTime = '2026-10-05T09:30:12.417Z';

export const exampleCursor: Cursor = { epoch: ids.epoch, seq: 1041 };

export const exampleCounts = {
  total: 200,
  planned: 120,
  in_progress: 12,
  retry_scheduled: 20,
  answered: 40,
  completed_without_answer: 5,
  technical_error: 2,
  not_dialed: 1,
  plan_limit_exceeded: 0,
};

export const exampleCampaign: Campaign = {
  id: ids.campaign,
  name: 'October reminder',
  status: 'in_progress',
  statusReason: {
    code: 'started',
    message: 'Started by Admin.',
    actor: 'Admin',
    at: '2026-10-05T09:00:00.000Z',
  },
  version: 3,
  trunkIds: [ids.trunk],
  callerIds: ['+12025550100'],
  schedule: {
    startAt: '2026-10-05T09:00:00.000Z',
    endAt: null,
    timezone: 'Europe/Berlin',
    useCalleeTimezone: true,
    windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00' }],
    excludedDates: ['2026-12-25'],
  },
  retry: { maxAttempts: 3, afterSeconds: 1800, rules: { busy: { afterSeconds: 300, maxAttempts: 5 } } },
  pacing: { maxConcurrent: 50, callsPerSecond: 10 },
  ringTimeoutSeconds: 40,
  maxCallSeconds: 600,
  keepOpen: false,
  bot: { type: 'hold', seconds: 20 },
  counts: exampleCounts,
  activeAttempts: 18,
  countsVersion: 163,
  createdAt: '2026-10-05T08:12:45.003Z',
  startedAt: '2026-10-05T09:00:00.000Z',
  finishedAt: null,
};

export const exampleCall: Call = {
  id: ids.call,
  campaignId: ids.campaign,
  phone: '+12025550123',
  status: 'planned',
  reason: null,
  payload: { appointment: '2026-10-07' },
  attempts: 1,
  attempt: { number: 1, state: 'ringing', since: exampleTime },
  nextAttemptAt: null,
  lastDisposition: null,
  timezone: 'America/New_York',
  priority: 0,
  updatedAt: exampleTime,
  version: 3,
};

export const exampleLimits: AccountLimits = {
  id: ids.account,
  name: 'Example',
  minutes: { balance: 812.5, reserved: 18 },
  uniqueUsers: { limit: null, used: 160 },
  maxConcurrent: 200,
};

export const exampleSystem: SystemSnapshot = {
  trunks: [
    {
      id: ids.trunk,
      name: 'Carrier',
      host: 'sip.example.net',
      port: 5060,
      transport: 'udp',
      status: 'up',
      statusReason: null,
    },
  ],
  dialers: [{ id: ids.dialer, host: 'dialer-1', status: 'up' }],
  account: exampleLimits,
};

const problem: Problem = {
  type: 'urn:dialstream:problem:invalid',
  title: 'Invalid',
  status: 422,
  code: 'invalid',
  detail: 'pacing.maxConcurrent: Too small: expected number to be >=1',
  errors: [{ path: 'pacing.maxConcurrent', message: 'Too small: expected number to be >=1' }],
};

/** Examples of what HTTP takes and gives, by the names of their schemas. */
export const schemaExamples: Record<string, Json[]> = {
  Campaign: [asJson(exampleCampaign)],
  Call: [asJson(exampleCall)],
  Problem: [asJson(problem)],
  NewCampaign: [{ name: 'October reminder', pacing: { maxConcurrent: 50, callsPerSecond: 10 } }],
  CampaignPatch: [{ pacing: { callsPerSecond: 5 } }],
  ScheduleCampaign: [{}, { startAt: '2026-10-05T09:00:00.000Z' }],
  NewCall: [{ phone: '+12025550123', timezone: 'America/New_York', payload: { appointment: '2026-10-07' } }],
  NewTrunk: [
    {
      name: 'Carrier',
      host: 'sip.example.net',
      username: 'dialstream',
      password: 'secret',
      callerIds: ['+12025550100'],
      maxConcurrent: 30,
      callsPerSecond: 5,
    },
  ],
  TrunkPatch: [{ maxConcurrent: 60 }],
  NewSuppressions: [{ phones: ['+12025550123', '+12025550124'], reason: 'asked not to be called' }],
  NewAccount: [{ name: 'Example', defaultCountry: 'US', minutes: { balance: 1000 } }],
  AccountPatch: [{ minutes: { balance: 2000 }, maxConcurrent: null }],
  NewKey: [{ name: 'Wallboard', role: 'viewer' }],
  NewStreamToken: [{ topics: [`campaign:${ids.campaign}`], ttlSeconds: 3600 }],
};

function asJson(example: object): Json {
  return JSON.parse(JSON.stringify(example)) as Json;
}
