import type { Server as HttpServer } from 'node:http';
import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Log } from '@dialstream/shared/log.js';
import { Server, type Socket } from 'socket.io';
import type { Authenticate, Principal } from '../principal.js';
import type { Connection } from './connection.js';
import type { Session } from './session.js';
import type { PlacedEvent, Topic } from './topic-feed.js';

export interface SocketIoOptions {
  httpServer: HttpServer;
  authenticate: Authenticate;
  log: Log;
  /** A client has come; its session takes what it asks. */
  onConnection: (connection: Connection, token: string) => Session;
  onClosed: (session: Session) => void;
}

export interface SocketIoTransport {
  fanOut(topic: Topic, events: PlacedEvent[]): void;
  close(): void;
}

/** Our clients' messages are small: a topic and a cursor. */
const messageBytesAtMost = 16_384;
const tokenCharsAtMost = 4_096;
const authenticateMs = 5_000;

type Answer = (ack: unknown) => void;

/** Serves Socket.IO at /socket.io. Its rooms are topics by their stored names: an event is encoded once. */
export function createSocketIo(options: SocketIoOptions): SocketIoTransport {
  const { httpServer, log } = options;
  const io = new Server(httpServer, {
    path: '/socket.io',
    serveClient: false,
    maxHttpBufferSize: messageBytesAtMost,
    connectTimeout: 10_000,
    pingInterval: 10_000,
    pingTimeout: 10_000,
  });
  let closed = false;

  io.use((socket, next) => void admit(socket, options, () => closed, next));

  io.on('connection', (socket) => {
    const { principal, token } = socket.data as Admitted;
    const session = options.onConnection(connectionOf(socket, principal), token);
    serve(socket, session, log);
    socket.on('disconnect', () => {
      session.close();
      options.onClosed(session);
    });
  });

  return {
    fanOut({ stored }, events) {
      if (!io.sockets.adapter.rooms.has(stored)) return;
      for (const event of events) io.to(stored).emit('event', JSON.parse(event.json));
    },
    close() {
      closed = true;
      io.disconnectSockets(true);
      // Not `io.close()`: the HTTP server is not ours to close.
      io.engine.close();
    },
  };
}

interface Admitted {
  principal: Principal;
  token: string;
}

/** Calls `next` once: with an error, its message being the code, when the client is refused. */
async function admit(
  socket: Socket,
  { authenticate, log }: SocketIoOptions,
  isClosed: () => boolean,
  next: (refusal?: Error) => void,
): Promise<void> {
  const token: unknown = socket.handshake.auth['token'];
  if (typeof token !== 'string' || token === '' || token.length > tokenCharsAtMost) {
    return next(new Error('unauthorized'));
  }
  try {
    const principal = await within(authenticateMs, 'authentication', authenticate(token));
    if (isClosed()) return next(new Error('unavailable'));
    if (principal === null) return next(new Error('unauthorized'));
    socket.data = { principal, token } satisfies Admitted;
    next();
  } catch (error) {
    log.warn({ err: error }, 'a connection could not be authenticated');
    next(new Error('unavailable'));
  }
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
}

function answerOf(args: unknown[]): Answer {
  const last = args.at(-1);
  return typeof last === 'function' ? (last as Answer) : () => undefined;
}

function connectionOf(socket: Socket, principal: Principal): Connection {
  return {
    principal,
    backlog: () => waiting(socket),
    async drained() {
      while (socket.connected && waiting(socket) > 0) await nextDrain(socket);
    },
    sendEvent: (event) => void socket.emit('event', JSON.parse(event.json)),
    sendHeartbeat: (heads) => void socket.emit('heartbeat', { heads }),
    sendResync: (topic, code) => void socket.emit('resync', { topic, code }),
    join: (stored) => void socket.join(stored),
    leave: (stored) => void socket.leave(stored),
    close: () => void socket.disconnect(true),
  };
}

/** Packets that the transport has not taken. Engine.IO calls the queue private and offers no other way. */
function waiting({ conn }: Socket): number {
  return (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
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
