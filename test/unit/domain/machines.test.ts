import { describe, expect, test } from 'vitest';
import { finalStates, next, statesThatAccept, type Machine } from '@dialstream/shared/domain/machine.js';
import {
  attemptMachine,
  attemptStates,
  callLabels,
  callMachine,
  callStatuses,
  campaignLabels,
  campaignMachine,
  campaignStatuses,
  finalCallStatuses,
  type AttemptSignal,
  type AttemptState,
  type CallSignal,
  type CallStatus,
  type CampaignSignal,
  type CampaignStatus,
} from '@dialstream/shared/domain/status.js';

/** Every legal change, as "from signal to". What is not listed must be illegal. */
const legal = {
  campaign: [
    'draft schedule planned',
    'planned start in_progress',
    'planned unschedule draft',
    'planned finish finished',
    'in_progress pause paused',
    'in_progress finish finished',
    'paused resume in_progress',
    'paused finish finished',
  ],
  call: [
    ...['planned', 'retry_scheduled'].flatMap((from) => [
      `${from} answer in_progress`,
      `${from} hang_up answered`,
      `${from} retry retry_scheduled`,
      `${from} give_up completed_without_answer`,
      `${from} fault technical_error`,
      `${from} drop not_dialed`,
      `${from} exceed_limit plan_limit_exceeded`,
    ]),
    'in_progress hang_up answered',
    'in_progress retry retry_scheduled',
    'in_progress give_up completed_without_answer',
    'in_progress fault technical_error',
  ],
  attempt: [
    'dialing progress ringing',
    'dialing answer answered',
    'dialing reject failed',
    'dialing cancel canceled',
    'ringing answer answered',
    'ringing reject failed',
    'ringing cancel canceled',
    'answered hang_up completed',
  ],
};

const signals = {
  campaign: ['schedule', 'unschedule', 'start', 'pause', 'resume', 'finish'],
  call: ['answer', 'hang_up', 'retry', 'give_up', 'fault', 'drop', 'exceed_limit'],
  attempt: ['progress', 'answer', 'hang_up', 'reject', 'cancel'],
};

function allChanges<S extends string, G extends string>(
  machine: Machine<S, G>,
  states: readonly S[],
  given: readonly string[],
): string[] {
  return states.flatMap((from) =>
    given.flatMap((signal) => {
      const to = next<S, G>(machine, from, signal as G);
      return to === null ? [] : [`${from} ${signal} ${to}`];
    }),
  );
}

describe('the state machines allow exactly the changes of the design', () => {
  test('campaign', () => {
    const found = allChanges<CampaignStatus, CampaignSignal>(
      campaignMachine,
      campaignStatuses,
      signals.campaign,
    );
    expect(found.toSorted()).toEqual(legal.campaign.toSorted());
  });
  test('call', () => {
    const found = allChanges<CallStatus, CallSignal>(callMachine, callStatuses, signals.call);
    expect(found.toSorted()).toEqual(legal.call.toSorted());
  });
  test('attempt', () => {
    const found = allChanges<AttemptState, AttemptSignal>(attemptMachine, attemptStates, signals.attempt);
    expect(found.toSorted()).toEqual(legal.attempt.toSorted());
  });
});

test('five call statuses are final, and every status has a label', () => {
  expect(finalCallStatuses).toEqual([
    'answered',
    'completed_without_answer',
    'technical_error',
    'not_dialed',
    'plan_limit_exceeded',
  ]);
  expect(Object.keys(callLabels)).toEqual([...callStatuses]);
  expect(Object.keys(campaignLabels)).toEqual([...campaignStatuses]);
});

test('a machine tells its final states and where a signal is accepted', () => {
  expect(finalStates<AttemptState, AttemptSignal>(attemptMachine)).toEqual([
    'completed',
    'failed',
    'canceled',
  ]);
  expect(statesThatAccept<CampaignStatus, CampaignSignal>(campaignMachine, 'finish')).toEqual([
    'planned',
    'in_progress',
    'paused',
  ]);
});
