import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { campaignEvent, type PendingEvent } from '@dialstream/shared/events/outbox.js';

/** A call that was answered: what a campaign with many calls streams most, 640 bytes or so. */
export function someEvent(accountId: string, campaignId: string, no: number): PendingEvent {
  return campaignEvent(accountId, campaignId, {
    type: 'call.status_changed',
    data: {
      callId: uuidv7(),
      campaignId,
      phone: `+1202${5_550_000 + (no % 9_000)}`,
      from: 'planned',
      to: 'in_progress',
      reason: null,
      attempts: 1,
      nextAttemptAt: null,
      version: 3,
    },
  });
}

/** The id of an event, which stands in its JSON text. */
export function eventId(body: string): string {
  return /"id":"([^"]+)"/.exec(body)?.[1] ?? '';
}

export interface Pace {
  perSecond: number;
  seconds: number;
}

/**
 * Calls `emit` with the numbers of the events that are due, until all of `seconds` were. As in a dialer, what
 * becomes due while `emit` is at work goes together into its next call.
 */
export async function atPace(
  { perSecond, seconds }: Pace,
  emit: (from: number, to: number) => unknown,
): Promise<number> {
  const total = Math.round(perSecond * seconds);
  const startedAt = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1);
    if (due > sent) {
      await emit(sent, due);
      sent = due;
    } else {
      await delay(Math.max(1, (sent / perSecond) * 1_000 - (performance.now() - startedAt)));
    }
  }
  return total;
}
