import type { Server as HttpServer } from 'node:http';
import type { Log } from '@dialstream/shared/log.js';
import { Server, type Socket } from 'socket.io';
import {
  lastWordsMs,
  messageBytesAtMost,
  pingEveryMs,
  silenceMs,
  type Admission,
  type Connection,
  type Transport,
} from './connection.js';
import type { PlacedEvent } from './placed-event.js';
import type { Session } from './session.js';
import type { StreamRights } from './stream-rights.js';
import { socketIoFrames } from './web-socket-frames.js';

export interface SocketIoOptions {
  httpServer: HttpServer;
  admission: Admission;
  log: Log;
}

type Answer = (ack: unknown) => void;

/** Serves Socket.IO at /socket.io. Its rooms are the channels': an event is encoded once. */
export function createSocketIo({ httpServer, admission, log }: SocketIoOptions): Transport {
  const io = new Server(httpServer, {
    path: '/socket.io',
    serveClient: false,
    maxHttpBufferSize: messageBytesAtMost,
    connectTimeout: 10_000,
    pingInterval: pingEveryMs,
    pingTimeout: silenceMs - pingEveryMs,
    // Not one of other paths, which are not ours.
    destroyUpgrade: false,
    // Who may come is told by a token, never by a cookie.
    cors: { origin: '*' },
  });

  io.use((socket, next) => void admitSocket(socket, admission, next));

  io.on('connection', (socket) => {
    const session = admission.open(connectionOf(socket), socket.data as StreamRights);
    if (session === null) return socket.disconnect(true);
    serve(socket, session, log);
    socket.on('disconnect', () => admission.closed(session));
    return undefined;
  });

  return {
    fanOut(room, events) {
      const members = io.sockets.adapter.rooms.get(room);
      if (members === undefined) return 0;
      const frames = socketIoFrames(events);
      for (const id of members) {
        const socket = io.sockets.sockets.get(id);
        if (socket !== undefined) sendEvents(socket, events, frames);
      }
      return members.size;
    },
    close() {
      io.disconnectSockets(true);
      // Not `io.close()`: the HTTP server is not ours to close.
      io.engine.close();
    },
  };
}

/** Calls `next` once: with an error, its message being the code, when the client is refused. */
async function admitSocket(
  socket: Socket,
  admission: Admission,
  next: (refusal?: Error) => void,
): Promise<void> {
  const rights = await admission.admit(socket.handshake.auth['token']);
  if ('refused' in rights) return next(new Error(rights.refused));
  socket.data = rights;
  next();
}

/** What arrives may be anything: a request is its first argument, its answer goes to the last. */
function serve(socket: Socket, session: Session, log: Log): void {
  socket.on('subscribe', (...args: unknown[]) => {
    session.subscribe(args[0], answerOf(args)).catch((error: unknown) => {
      log.error({ err: error }, 'subscribe failed');
      socket.disconnect(true);
    });
  });
  socket.on('unsubscribe', (...args: unknown[]) => session.unsubscribe(args[0], answerOf(args)));
  socket.onAny((name: string) => {
    if (name !== 'subscribe' && name !== 'unsubscribe') session.takesMessage();
  });
}

/**
 * Over WebSocket events go as frames that are made already, in one piece: the option is how socket.io's own
 * adapter hands its frames to engine.io, whose queue keeps their order among other messages.
 */
function sendEvents(socket: Socket, events: readonly PlacedEvent[], frames: Buffer): void {
  if (!socket.connected) return;
  if (socket.conn.transport.name === 'websocket') {
    socket.conn.write('', { wsPreEncodedFrame: [frames] } as SendOptions);
  } else for (const event of events) socket.emit('event', event.object);
}

type SendOptions = NonNullable<Parameters<Socket['conn']['write']>[1]>;

function answerOf(args: unknown[]): Answer {
  const last = args.at(-1);
  return typeof last === 'function' ? (last as Answer) : () => undefined;
}

function connectionOf(socket: Socket): Connection {
  return {
    backlog: () => waitingBytes(socket),
    async drained() {
      while (socket.connected && waitingBytes(socket) > 0) await nextDrain(socket);
    },
    sendEvents(events) {
      if (events.length > 0) sendEvents(socket, events, socketIoFrames(events));
    },
    sendHeartbeat: (heads) => void socket.emit('heartbeat', { heads }),
    sendResync: (topic, code) => void socket.emit('resync', { topic, code }),
    join: (room) => void socket.join(room),
    leave: (room) => void socket.leave(room),
    close() {
      const { conn } = socket;
      const cut = setTimeout(() => conn.close(true), lastWordsMs);
      conn.once('close', () => clearTimeout(cut));
      socket.disconnect(true);
    },
  };
}

interface Queued {
  data?: string | Buffer;
  options?: { wsPreEncodedFrame?: Buffer[] };
}

/** Packets that the transport has not taken. Engine.IO calls the queue private and offers no other way. */
function waitingBytes({ conn }: Socket): number {
  const { writeBuffer } = conn as unknown as { writeBuffer: Queued[] };
  let bytes = 0;
  for (const { data, options } of writeBuffer) {
    bytes += data?.length ?? 0;
    for (const frame of options?.wsPreEncodedFrame ?? []) bytes += frame.length;
  }
  return bytes;
}

function nextDrain({ conn }: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      conn.off('drain', done);
      conn.off('close', done);
      resolve();
    };
    conn.once('drain', done);
    conn.once('close', done);
  });
}
