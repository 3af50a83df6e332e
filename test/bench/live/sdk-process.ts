import { connect, type LiveClient } from '@dialstream/client-sdk/index.js';
import { answerParent, nowMicros } from './child.js';
import type { StreamOptions } from './raw-stream.js';

/** A few real clients, which note when their callbacks are called. They are few, so that they do not wait for each other. */
let clients: LiveClient[] = [];
let arrivals: [id: string, micros: number][] = [];
let gaps = 0;

const answers = {
  async connect({ port, token, topic }: StreamOptions): Promise<void> {
    const client = connect({ url: `http://127.0.0.1:${port}`, token });
    clients.push(client);
    await new Promise<void>((resolve) => {
      client.subscribe(topic as `campaign:${string}`, {
        onSnapshot: () => resolve(),
        onEvent: (event) => void arrivals.push([event.id, nowMicros()]),
        onGap: () => {
          gaps += 1;
        },
      });
    });
  },
  counts: () => ({ events: arrivals.length, gaps }),
  arrivals: () => arrivals,
  reset(): void {
    arrivals = [];
    gaps = 0;
  },
};
export type SdkAnswers = typeof answers;
answerParent(answers);
