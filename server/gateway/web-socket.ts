import { STATUS_CODES, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { closeCodes, type Heads } from '@dialstream/shared/events/protocol.js';
import type { Log } from '@dialstream/shared/log.js';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { noSuchAddress, problemType, type ProblemError } from '../problems.js';
import {
  lastWordsMs,
  messageBytesAtMost,
  pingEveryMs,
  silenceMs,
  type Admission,
  type CloseReason,
  type Connection,
  type Transport,
} from './connection.js';
import { Rooms } from './rooms.js';
import type { Session } from './session.js';
import { streamPath, streamRefusal, streamToken } from './stream-address.js';
import { eventFrames } from './web-socket-frames.js';

export interface WebSocketOptions {
  httpServer: HttpServer;
  admission: Admission;
  log: Log;
}

/** One client: its WebSocket, and the network socket below, which takes frames that are made already. */
interface Client {
  webSocket: WebSocket;
  network: Duplex;
}

const reasons = {
  unauthorized: closeCodes.unauthorized,
  rate_limited: closeCodes.rateLimited,
  too_slow: closeCodes.tooSlow,
} as const satisfies Record<CloseReason, number>;

/** Serves plain WebSocket at /v1/stream, and refuses upgrades at all paths but Socket.IO's. */
export function createWebSocket({ httpServer, admission, log }: WebSocketOptions): Transport {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesAtMost,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const rooms = new Rooms<Client>();
  const clients = new Set<Client>();
  let isClosed = false;

  async function upgrade(request: IncomingMessage, network: Duplex, head: Buffer): Promise<void> {
    network.on('error', ignoreLostClient);
    const rights = await admission.admit(streamToken(request));
    if (network.destroyed) return;
    if ('refused' in rights) return refuse(network, streamRefusal(rights.refused));
    network.off('error', ignoreLostClient);
    server.handleUpgrade(request, network, head, (webSocket) => {
      const client = { webSocket, network };
      const session = isClosed ? null : admission.open(connectionOf(client, rooms), rights);
      if (session === null) return webSocket.close(closeCodes.rateLimited, 'rate_limited');
      clients.add(client);
      serve(client, session, log);
      webSocket.on('close', () => {
        clients.delete(client);
        rooms.leaveAll(client);
        admission.closed(session);
      });
      return undefined;
    });
  }

  function onUpgrade(request: IncomingMessage, network: Duplex, head: Buffer): void {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path === streamPath) {
      upgrade(request, network, head).catch((error: unknown) => {
        log.error({ err: error }, 'an upgrade failed');
        network.destroy();
      });
    } else if (!path.startsWith('/socket.io')) refuse(network, noSuchAddress());
  }

  httpServer.on('upgrade', onUpgrade);

  return {
    fanOut(room, events) {
      const members = rooms.in(room);
      if (members.size === 0) return 0;
      const frames = eventFrames(events);
      for (const { webSocket, network } of members) {
        if (webSocket.readyState === webSocket.OPEN) network.write(frames);
      }
      return members.size;
    },
    close() {
      isClosed = true;
      httpServer.off('upgrade', onUpgrade);
      for (const client of clients) close(client, closeCodes.restart, 'restart');
    },
  };
}

function serve({ webSocket }: Client, session: Session, log: Log): void {
  let heardAtMs = performance.now();
  const heard = (): void => {
    heardAtMs = performance.now();
  };
  const pinging = setInterval(() => {
    if (performance.now() - heardAtMs > silenceMs) webSocket.terminate();
    else if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
  }, pingEveryMs);
  webSocket.on('close', () => clearInterval(pinging));
  webSocket.on('pong', heard);
  webSocket.on('error', (error) => log.debug({ err: error }, 'a WebSocket client broke the protocol'));
  webSocket.on('message', (data, isBinary) => {
    heard();
    receive(webSocket, session, isBinary ? null : parse(data)).catch((error: unknown) => {
      log.error({ err: error }, 'subscribe failed');
      webSocket.terminate();
    });
  });
}

async function receive(webSocket: WebSocket, session: Session, frame: Frame | null): Promise<void> {
  const { op, id, ...body } = frame ?? {};
  const answer = (ack: object): void => send(webSocket, { op: 'ack', ...(isId(id) && { id }), ...ack });
  if (op === 'subscribe') return session.subscribe(body, answer);
  if (op === 'unsubscribe') return session.unsubscribe(body, answer);
  if (!session.takesMessage()) return undefined;
  const detail = frame === null ? 'the frame is no JSON object in text' : 'op is subscribe or unsubscribe';
  return send(webSocket, { op: 'error', code: 'bad_request', detail });
}

type Frame = Record<string, unknown>;

function parse(data: RawData): Frame | null {
  try {
    const frame: unknown = JSON.parse((data as Buffer).toString());
    return typeof frame === 'object' && frame !== null && !Array.isArray(frame) ? (frame as Frame) : null;
  } catch {
    return null;
  }
}

function isId(id: unknown): id is number | string {
  return typeof id === 'string' ? id.length <= 100 : Number.isSafeInteger(id);
}

function send(webSocket: WebSocket, frame: object): void {
  if (webSocket.readyState === webSocket.OPEN) webSocket.send(JSON.stringify(frame));
}

function connectionOf(client: Client, rooms: Rooms<Client>): Connection {
  const { webSocket, network } = client;
  return {
    backlog: () => webSocket.bufferedAmount,
    drained: () =>
      new Promise((resolve) => {
        if (webSocket.readyState !== webSocket.OPEN) return resolve();
        // What is written last is taken last, even if it is nothing.
        network.write('', () => resolve());
      }),
    sendEvents(events) {
      if (events.length > 0 && webSocket.readyState === webSocket.OPEN) network.write(eventFrames(events));
    },
    sendHeartbeat: (heads: Heads) => send(webSocket, { op: 'heartbeat', heads }),
    sendResync: (topic, code) => send(webSocket, { op: 'resync', topic, code }),
    join: (room) => rooms.join(room, client),
    leave: (room) => rooms.leave(room, client),
    close: (reason) => close(client, reasons[reason], reason),
  };
}

function close({ webSocket }: Client, code: number, reason: string): void {
  if (webSocket.readyState !== webSocket.OPEN) return;
  const cut = setTimeout(() => webSocket.terminate(), lastWordsMs);
  webSocket.on('close', () => clearTimeout(cut));
  webSocket.close(code, reason);
}

function refuse(network: Duplex, refusal: ProblemError): void {
  const problem = refusal.toProblem();
  const body = JSON.stringify(problem);
  network.on('error', ignoreLostClient);
  network.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${problemType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => network.destroy(),
  );
}

/** Whoever has gone needs no answer. */
function ignoreLostClient(): void {
  // The socket closes by itself.
}
