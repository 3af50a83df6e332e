import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import type { LiveEvent } from '@dialstream/shared/events/contract.js';
import { ownProfile } from './profile.js';
import { answerParent, nowMicros, ownUse } from './child.js';
import { atPace, someEvent, type Pace } from './events.js';
import type { Transport } from './raw-stream.js';

/**
 * The floor that `fanout` is measured against: the few lines that send an object to whoever is in a room. The
 * events are made before they are due, so that this process does nothing but encode and send them. It
 * answers `subscribe` as the gateway does, so that the same clients can be used, and knows no cursors.
 */
type Broadcast = (event: LiveEvent) => void;

let broadcast: Broadcast = () => undefined;
let stamps: [id: string, micros: number][] = [];
let seq = 0;
const epoch = '0197d3a0-0000-4000-8000-000000000000';

const acknowledge = (topic: string) => ({
  ok: true,
  topic,
  recovered: false,
  cursor: { epoch, seq },
  snapshot: {},
});

const answers = {
  async start(transport: Transport): Promise<number> {
    const httpServer = createServer();
    httpServer.listen({ port: 0, host: '127.0.0.1' });
    await once(httpServer, 'listening');
    const { port } = httpServer.address() as AddressInfo;
    if (transport === 'socket.io') {
      const io = new Server(httpServer);
      io.on('connection', (socket) => {
        socket.on('subscribe', ({ topic }: { topic: string }, answer: (ack: object) => void) => {
          void socket.join('room');
          answer(acknowledge(topic));
        });
      });
      broadcast = (event) => io.to('room').emit('event', event);
    } else {
      const server = new WebSocketServer({ server: httpServer, path: '/v1/stream' });
      server.on('connection', (client) => {
        client.on('message', (frame: Buffer) => {
          const { id, topic } = JSON.parse(frame.toString()) as { id: number; topic: string };
          client.send(JSON.stringify({ op: 'ack', id, ...acknowledge(topic) }));
        });
      });
      broadcast = (event) => {
        const buffer = Buffer.from(JSON.stringify({ op: 'event', ...event }));
        for (const client of server.clients) {
          if (client.readyState === client.OPEN) client.send(buffer, { binary: false });
        }
      };
    }
    return port;
  },

  async run({ accountId, campaignId, pace }: { accountId: string; campaignId: string; pace: Pace }) {
    const topic = `campaign:${campaignId}`;
    const events = Array.from({ length: pace.perSecond * pace.seconds }, (_, no): LiveEvent => {
      seq += 1;
      const { body } = someEvent(accountId, campaignId, no);
      return { ...(JSON.parse(body) as LiveEvent), topic, epoch, seq };
    });
    stamps = [];
    const before = ownUse();
    await atPace(pace, (from, to) => {
      for (const event of events.slice(from, to)) {
        stamps.push([event.id, nowMicros()]);
        broadcast(event);
      }
    });
    return { events: events.length, before };
  },
  stamps: () => stamps,
  use: ownUse,
  profile: ownProfile,
};
export type BareAnswers = typeof answers;
answerParent(answers);
