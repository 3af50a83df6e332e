import { connect } from '@dialstream/client-sdk';
import type { LiveEvent } from '@dialstream/shared/events/contract.js';
import type { Stack } from '../support/stack.js';

export interface Subscriber {
  events(): number;
  gaps(): number;
  close(): void;
}

/** One subscriber of a topic; resolves once it is subscribed. */
export async function subscribeAll(
  stack: Stack,
  topic: `campaign:${string}`,
  onEvent: (event: LiveEvent) => void = () => {},
): Promise<Subscriber> {
  let events = 0;
  let gaps = 0;
  const client = connect({ url: stack.baseUrl, token: stack.adminKey });
  await new Promise<void>((resolve) => {
    client.subscribe(topic, {
      onSnapshot: () => resolve(),
      onEvent: (event) => {
        events += 1;
        onEvent(event);
      },
      onGap: () => {
        gaps += 1;
      },
    });
  });
  return { events: () => events, gaps: () => gaps, close: () => client.close() };
}
