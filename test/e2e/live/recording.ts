import type { LiveClient } from '@dialstream/client-sdk';
import type { TopicRecord } from './oracle.js';

export interface RecordingEvents {
  event(): void;
  /** Something is missing, and no snapshot follows at once. */
  gap(): void;
}

/** The same client, whose subscriptions write down what they are called with before they pass it on. */
export function recording(client: LiveClient, { entries }: TopicRecord, on: RecordingEvents): LiveClient {
  return {
    ...client,
    subscribe: (topic, options = {}) =>
      client.subscribe(topic, {
        ...options,
        onSnapshot(snapshot, cursor) {
          entries.push({ kind: 'snapshot', cursor });
          options.onSnapshot?.(snapshot, cursor);
        },
        onEvent(event) {
          const { id, epoch, seq, previousSeq } = event;
          entries.push({ kind: 'event', id, epoch, seq, previousSeq });
          options.onEvent?.(event);
          on.event();
        },
        onGap(gap) {
          entries.push({ kind: 'gap', gap });
          options.onGap?.(gap);
          if (gap.cause !== 'not_recovered') on.gap();
        },
      }),
  };
}
