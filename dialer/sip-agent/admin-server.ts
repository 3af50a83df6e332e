import { randomUUID, timingSafeEqual, createHash } from 'node:crypto';
import net from 'node:net';
import type { Log } from '@dialstream/shared/log.js';
import { AdminFraming, describe, frame, parseCommand, type AdminCommand } from './admin-protocol.js';
import type { Flow } from './transport.js';

/** A drachtio-srf that is connected and has shown the secret. */
export interface AdminClient {
  /** Verbs whose requests from the network it wants. */
  readonly verbs: ReadonlySet<string>;
  readonly isOpen: boolean;
  ok(msgId: string): void;
  /** Says what was sent to the network in its name. */
  okSent(msgId: string, text: string, flow: Flow, ids: Ids): void;
  nok(msgId: string, reason: string): void;
  /** Hands over a message. */
  push(source: 'network' | 'application', text: string, flow: Flow, ids: Ids): void;
}

export interface Ids {
  txnId: string;
  dialogId: string;
}

export type SipCommand = Extract<AdminCommand, { kind: 'sip' }>;

export interface AdminServerOptions {
  host: string;
  port: number;
  secret: string;
  /** What clients are told of our SIP addresses, such as `udp/127.0.0.1:5060`. */
  sipAddresses: string;
  onSip: (client: AdminClient, command: SipCommand) => void;
  onLost: (client: AdminClient) => void;
  log: Log;
}

export interface AdminServer {
  port: number;
  clients(): ReadonlySet<AdminClient>;
  close(): Promise<void>;
}

/** The version of drachtio-server whose protocol this speaks. */
const version = 'v0.9.10';
/** A client must show the secret within this time, ms. */
const authenticateWithinMs = 5_000;
/** Unread bytes at which a client is cut off. */
const maxQueuedBytes = 16 * 1024 * 1024;
/** Between two writes to a client, ms: under load one write takes many messages, and one read at the other end. */
const pauseMs = 2;

export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { host, port, log } = options;
  const clients = new Set<AdminClient>();
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, options, clients);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const what = inUse ? 'is in use' : `cannot be bound: ${(error as Error).message}`;
    throw new Error(`DRACHTIO_PORT: ${host}:${port} ${what}`, { cause: error });
  }
  server.maxConnections = 256;
  server.on('error', (error) => log.warn({ err: error }, 'the admin listener reported an error'));
  return {
    port: (server.address() as net.AddressInfo).port,
    clients: () => clients,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(socket: net.Socket, options: AdminServerOptions, clients: Set<AdminClient>): void {
  const { secret, sipAddresses, onSip, onLost, log } = options;
  const framing = new AdminFraming();
  const client = createClient(socket);
  let authenticated = false;
  const deadline = (): NodeJS.Timeout => setTimeout(() => socket.destroy(), authenticateWithinMs);
  let late = deadline();
  socket.setNoDelay(true);

  /** Says why, and takes nothing more; who does not close its side as well is cut off. */
  function refuse(msgId: string, reason: string): void {
    client.nok(msgId, reason);
    client.end();
    clearTimeout(late);
    late = deadline();
    if (clients.delete(client)) onLost(client);
  }

  function obey(command: AdminCommand): void {
    const { msgId } = command;
    if (!authenticated) {
      if (command.kind !== 'authenticate' || !sameSecret(command.secret, secret)) {
        log.warn({ from: socket.remoteAddress }, 'an admin connection without the secret was refused');
        refuse(msgId, 'incorrect secret');
        return;
      }
      authenticated = true;
      clearTimeout(late);
      clients.add(client);
      client.raw(`${randomUUID()}|response|${msgId}|OK|${sipAddresses}|${version}|${sipAddresses}`);
      return;
    }
    switch (command.kind) {
      case 'sip':
        onSip(client, command);
        return;
      case 'route':
        client.verbs.add(command.verb);
        break;
      case 'remove_route':
        client.verbs.delete(command.verb);
        break;
      case 'ping':
      case 'authenticate':
        break;
      case 'unknown':
        client.nok(msgId, `the embedded agent does not know "${command.name}"`);
        return;
    }
    client.ok(msgId);
  }

  socket.on('data', (chunk) => {
    if (socket.writableEnded) return;
    try {
      for (const payload of framing.push(chunk)) if (!socket.writableEnded) obey(parseCommand(payload));
    } catch (error) {
      log.warn({ err: error, from: socket.remoteAddress }, 'an admin connection was closed');
      refuse('', error instanceof Error ? error.message : 'invalid');
    }
  });
  socket.on('error', (error) => log.debug({ err: error }, 'an admin connection broke'));
  socket.on('close', () => {
    clearTimeout(late);
    if (clients.delete(client)) onLost(client);
  });
}

interface ServedClient extends AdminClient {
  verbs: Set<string>;
  raw(payload: string): void;
  /** Says what waits to be said, and closes. */
  end(): void;
}

function createClient(socket: net.Socket): ServedClient {
  let waiting: string[] = [];
  let bytes = 0;
  let flushedAt = 0;
  let soon = false;
  let later: NodeJS.Timeout | undefined;

  function flush(): void {
    soon = false;
    clearTimeout(later);
    later = undefined;
    if (waiting.length === 0) return;
    const text = waiting.join('');
    waiting = [];
    bytes = 0;
    flushedAt = performance.now();
    if (socket.writable) socket.write(text);
  }

  /** Leaves at the end of this turn of the event loop, with all else that is said in it, or after the pause. */
  const raw = (payload: string): void => {
    if (!socket.writable) return;
    const framed = frame(payload);
    waiting.push(framed);
    bytes += framed.length;
    if (socket.writableLength + bytes > maxQueuedBytes) {
      waiting = [];
      socket.destroy();
      return;
    }
    if (soon || later) return;
    if (performance.now() - flushedAt < pauseMs) later = setTimeout(flush, pauseMs);
    else {
      soon = true;
      setImmediate(flush);
    }
  };
  return {
    verbs: new Set(),
    get isOpen() {
      return socket.writable;
    },
    raw,
    end() {
      flush();
      socket.end();
    },
    ok: (msgId) => raw(`${randomUUID()}|response|${msgId}|OK`),
    okSent: (msgId, text, flow, ids) =>
      raw(`${randomUUID()}|response|${msgId}|OK|${describe('application', text, flow, ids)}\r\n${text}`),
    nok: (msgId, reason) => raw(`${randomUUID()}|response|${msgId}|NOK|${reason}`),
    push: (source, text, flow, ids) =>
      raw(`${randomUUID()}|sip|${describe(source, text, flow, ids)}|\r\n${text}`),
  };
}

/** Compares without telling by its time how much was right. */
function sameSecret(given: string, secret: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(secret));
}
