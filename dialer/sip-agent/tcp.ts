import net from 'node:net';
import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { StreamFraming } from './framing.js';
import { bare, bound } from './binding.js';
import type { Flow } from './transport.js';

export interface TcpListener {
  server: net.Server;
  local: SipAddress;
}

interface Connection {
  socket: net.Socket;
  host: string;
  port: number;
  local: SipAddress;
  closing: Set<() => void>;
}

export interface TcpOptions {
  onMessage: (text: string, flow: Flow) => void;
  onGarbage: () => void;
  log: Log;
}

/** SIP over TCP: the connections, made by us or by others, each used again while it is open. */
export interface TcpConnections {
  listen(listener: TcpListener): void;
  /** A connection that is open, is being made, or is made now; `local` is what we tell of ourselves. */
  connect(host: string, port: number, local: SipAddress): Promise<Flow>;
  /** The way back over the connection that a message came by, or over a new one to `port`; null for UDP. */
  wayBack(flow: Flow, port: number): Flow | null;
  close(): void;
}

const connectDeadlineMs = 5_000;
/** A TCP connection without traffic is closed after so long, ms. */
const idleMs = 15 * 60_000;
const maxConnections = 1_000;
/** Unsent bytes at which a TCP peer counts as stuck. */
const maxQueuedBytes = 4 * 1024 * 1024;

export function createTcpConnections({ onMessage, onGarbage, log }: TcpOptions): TcpConnections {
  const connections = new Map<string, Connection>();
  const byFlow = new WeakMap<Flow, Connection>();
  const connecting = new Map<string, Promise<Flow>>();
  let closed = false;

  /** `again` is the port of a new connection should this one be closed when there is something to send. */
  const tcpFlow = (connection: Connection, again: number): Flow => {
    const { socket, host, port, local, closing } = connection;
    return {
      transport: 'tcp',
      host,
      port,
      local,
      send(text, onFailed) {
        if (socket.writableLength > maxQueuedBytes) socket.destroy();
        if (socket.writable) socket.write(text);
        else {
          connect(host, again, local).then(
            (flow) => flow.send(text, onFailed),
            () => onFailed?.(),
          );
        }
      },
      onClose(listener) {
        closing.add(listener);
        return () => closing.delete(listener);
      },
    };
  };

  function adopt(socket: net.Socket, local: SipAddress): Flow {
    const { remoteAddress: host = '', remotePort: port = 0 } = socket;
    const key = `${host}:${port}`;
    const framing = new StreamFraming();
    const connection: Connection = { socket, host, port, local, closing: new Set() };
    const flow = tcpFlow(connection, port);
    if (closed) socket.destroy();
    connections.set(key, connection);
    byFlow.set(flow, connection);
    socket.setNoDelay(true);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        const { messages, pings } = framing.push(chunk);
        if (pings > 0 && socket.writable && socket.writableLength === 0) socket.write('\r\n');
        for (const text of messages) onMessage(text, flow);
      } catch (error) {
        log.debug({ err: error, host }, 'a stream that is no SIP was closed');
        onGarbage();
        socket.destroy();
      }
    });
    socket.on('error', (error) => log.debug({ err: error, host, port }, 'a SIP connection broke'));
    socket.on('close', () => {
      if (connections.get(key) === connection) connections.delete(key);
      for (const listener of connection.closing) listener();
      connection.closing.clear();
    });
    return flow;
  }

  async function connect(host: string, port: number, local: SipAddress): Promise<Flow> {
    const key = `${host}:${port}`;
    const open = connections.get(key);
    if (open?.socket.writable) return tcpFlow(open, port);
    let made = connecting.get(key);
    if (made === undefined) {
      made = make(host, port, local).finally(() => connecting.delete(key));
      connecting.set(key, made);
    }
    return made;
  }

  async function make(host: string, port: number, local: SipAddress): Promise<Flow> {
    if (closed) throw new Error('the agent is closed');
    const socket = net.connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('connecting took too long')), connectDeadlineMs);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
    } finally {
      clearTimeout(timer);
    }
    return adopt(socket, local);
  }

  return {
    listen({ server, local }) {
      server.maxConnections = maxConnections;
      server.on('connection', (socket) => adopt(socket, local));
      server.on('error', (error) => log.warn({ err: error }, 'a TCP listener reported an error'));
    },
    connect,
    wayBack(flow, port) {
      const connection = byFlow.get(flow);
      return connection ? tcpFlow(connection, port) : null;
    },
    close() {
      closed = true;
      for (const { socket } of connections.values()) socket.destroy();
    },
  };
}

export async function bindTcp(address: SipAddress): Promise<TcpListener> {
  const server = net.createServer();
  await bound(address, (done, fail) => {
    server.once('error', fail);
    server.listen(address.port, bare(address.host), done);
  });
  server.removeAllListeners('error');
  return { server, local: { ...address, port: (server.address() as net.AddressInfo).port } };
}
