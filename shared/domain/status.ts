import { finalStates, type Machine } from './machine.js';

export const campaignStatuses = ['draft', 'planned', 'in_progress', 'paused', 'finished'] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];
export type CampaignSignal = 'schedule' | 'unschedule' | 'start' | 'pause' | 'resume' | 'finish';

export const campaignMachine = {
  draft: { schedule: 'planned' },
  planned: { start: 'in_progress', unschedule: 'draft', finish: 'finished' },
  in_progress: { pause: 'paused', finish: 'finished' },
  paused: { resume: 'in_progress', finish: 'finished' },
  finished: {},
} as const satisfies Machine<CampaignStatus, CampaignSignal>;

export const callStatuses = [
  'planned',
  'in_progress',
  'retry_scheduled',
  'answered',
  'completed_without_answer',
  'technical_error',
  'not_dialed',
  'plan_limit_exceeded',
] as const;
export type CallStatus = (typeof callStatuses)[number];
export type CallSignal = 'answer' | 'hang_up' | 'retry' | 'give_up' | 'fault' | 'drop' | 'exceed_limit';

const untilAnswered = {
  answer: 'in_progress',
  // An answered attempt whose dialer died is known only by its end.
  hang_up: 'answered',
  retry: 'retry_scheduled',
  give_up: 'completed_without_answer',
  fault: 'technical_error',
  drop: 'not_dialed',
  exceed_limit: 'plan_limit_exceeded',
} as const;

export const callMachine = {
  planned: untilAnswered,
  retry_scheduled: untilAnswered,
  in_progress: {
    hang_up: 'answered',
    // The customer was reached by a machine, or the media or the bot failed after the answer.
    retry: 'retry_scheduled',
    give_up: 'completed_without_answer',
    fault: 'technical_error',
  },
  answered: {},
  completed_without_answer: {},
  technical_error: {},
  not_dialed: {},
  plan_limit_exceeded: {},
} as const satisfies Machine<CallStatus, CallSignal>;

export const attemptStates = ['dialing', 'ringing', 'answered', 'completed', 'failed', 'canceled'] as const;
export type AttemptState = (typeof attemptStates)[number];
export type AttemptSignal = 'progress' | 'answer' | 'hang_up' | 'reject' | 'cancel';

export const attemptMachine = {
  dialing: { progress: 'ringing', answer: 'answered', reject: 'failed', cancel: 'canceled' },
  ringing: { answer: 'answered', reject: 'failed', cancel: 'canceled' },
  answered: { hang_up: 'completed' },
  completed: {},
  failed: {},
  canceled: {},
} as const satisfies Machine<AttemptState, AttemptSignal>;

/** The call statuses that end a call. */
export const finalCallStatuses: readonly CallStatus[] = finalStates<CallStatus, CallSignal>(callMachine);

export const campaignLabels = {
  draft: 'Draft',
  planned: 'Planned',
  in_progress: 'In progress',
  paused: 'Paused',
  finished: 'Finished',
} as const satisfies Record<CampaignStatus, string>;

export const callLabels = {
  planned: 'Planned',
  in_progress: 'In progress',
  retry_scheduled: 'Another call attempt scheduled',
  answered: 'Answered',
  completed_without_answer: 'Completed without answer',
  technical_error: 'Finished with a technical error',
  not_dialed: 'Not dialed',
  plan_limit_exceeded: 'Plan limit exceeded',
} as const satisfies Record<CallStatus, string>;

/** Why a campaign is in its status. `paused` and `finished` always have one of their own codes. */
export const reasonCodes = [
  'created',
  'scheduled',
  'unscheduled',
  'started',
  'resumed',
  'manual',
  'out_of_minutes',
  'system_failure',
  'completed',
  'deleted',
  'end_date',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

export const dispositions = [
  'answered',
  'machine',
  'busy',
  'no_answer',
  'rejected',
  'unavailable',
  'invalid_number',
  'suppressed',
  'congestion',
  'trunk_fault',
  'media_fault',
  'bot_fault',
  'canceled',
  'lost',
] as const;
export type Disposition = (typeof dispositions)[number];
