import { connect, socketIo, webSocket } from '@dialstream/client-sdk';
import { WebSocket } from 'ws';
import { answerParent, nowMicros } from './child.js';
import type { StreamOptions } from './raw-stream.js';

/** Real clients, which note when their callbacks are called. They are few, so that they do not wait for each other. */
let arrivals: [id: string, micros: number][] = [];
let gaps = 0;

const answers = {
  async connect({ transport, port, token, topic }: StreamOptions): Promise<void> {
    const client = connect({
      url: `http://127.0.0.1:${port}`,
      token,
      transport: transport === 'websocket' ? webSocket({ WebSocket }) : socketIo(),
      // The bare server has no heartbeats.
      silenceMs: 3_600_000,
    });
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
