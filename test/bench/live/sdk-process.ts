import { connect, type LiveClient } from '@dialstream/client-sdk';
import { WebSocket } from 'ws';
import { answerParent, nowMicros } from './child.js';
import type { StreamOptions } from './raw-stream.js';

/** A few real clients, which note when their callbacks are called. They are few, so that they do not wait for each other. */
let clients: LiveClient[] = [];
let arrivals: [id: string, micros: number][] = [];
let gaps = 0;

function connectWebSocket(port: number, token: string, topic: string): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream?token=${token}`, {
    perMessageDeflate: false,
  });
  socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', id: 1, topic })));
  return new Promise((resolve) => {
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { op: string; id: string };
      if (frame.op === 'ack') resolve();
      if (frame.op === 'event') arrivals.push([frame.id, nowMicros()]);
    });
  });
}

const answers = {
  async connect({ transport, port, token, topic }: StreamOptions): Promise<void> {
    if (transport === 'websocket') return connectWebSocket(port, token, topic);
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
