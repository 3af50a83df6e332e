import type { Campaign, Counts } from '@dialstream/client-sdk';
import { campaignSettings } from '@dialstream/shared/domain/campaign.js';
import { until } from '@dialstream/shared/embedded/waiting.js';
import type { Asked } from './fake-server.js';

export const at = '2026-10-01T09:00:00.000Z';
export const cursor = { epoch: 'e1', seq: 10 };

export function counts(planned: number, answered: number): Counts {
  const others = { completed_without_answer: 0, technical_error: 0, not_dialed: 0, plan_limit_exceeded: 0 };
  return { total: planned + answered, planned, in_progress: 0, retry_scheduled: 0, answered, ...others };
}

export function campaign(id: string, more: Partial<Campaign> = {}): Campaign {
  return {
    ...campaignSettings.parse({ name: `Campaign ${id}` }),
    id,
    status: 'in_progress',
    statusReason: { code: 'started', message: '', actor: 'test', at },
    version: 5,
    counts: counts(2, 1),
    activeAttempts: 0,
    countsVersion: 9,
    createdAt: at,
    startedAt: at,
    finishedAt: null,
    ...more,
  };
}

/** Answers a subscribe with a snapshot; gives what sends the events after it, and waits for the store. */
export function begin(asked: Asked, snapshot: object, store: { readonly cursor: { seq: number } | null }) {
  const { topic, mode } = asked.body;
  let { seq } = cursor;
  asked.answer({ ok: true, topic, recovered: false, cursor, snapshot });
  return async (type: string, data: object, time = at): Promise<void> => {
    seq += 1;
    const place = { topic, epoch: cursor.epoch, seq, ...(mode === 'latest' && { previousSeq: seq - 1 }) };
    asked.socket.emit('event', { ...place, type, time, data });
    await until(() => store.cursor?.seq === seq, { withinMs: 5_000, what: `event ${seq}`, everyMs: 1 });
  };
}
