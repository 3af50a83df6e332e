import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { StreamFraming } from './framing.js';
import type { Address } from './header-values.js';

/** Where a message came from, and the way back to it. */
export interface Flow {
  transport: 'udp' | 'tcp';
  /** The far end. */
  host: string;
  port: number;
  /** Our own address that it came to or leaves from. */
  local: SipAddress;
  /** `onFailed` is called when the message certainly does not arrive (RFC 3261 section 18.4). */
  send(text: string, onFailed?: () => void): void;
  /** Calls back once when the connection closes, never over UDP. Gives a function that stops it. */
  onClose(listener: () => void): () => void;
}

export interface Transports {
  /** The addresses that are listened on, with their real ports. */
  addresses: SipAddress[];
  /** A way to an address: a UDP socket, or a TCP connection that is made or used again. Rejects when there is none. */
  connect(to: Address): Promise<Flow>;
  /** The way back to whoever sent a request over `flow`, by its topmost Via (RFC 3261 section 18.2.2). */
  wayBack(flow: Flow, via: { port: number; rport: boolean }): Flow;
  close(): Promise<void>;
}

export interface TransportOptions {
  bind: readonly SipAddress[];
  onMessage: (text: string, flow: Flow) => void;
  /** A stream or datagram that cannot be a message. */
  onGarbage: () => void;
  log: Log;
}

const connectDeadlineMs = 5_000;
/** A TCP connection without traffic is closed after so long, ms. */
const idleMs = 15 * 60_000;
const maxConnections = 1_000;
/** Unsent bytes at which a TCP peer counts as stuck. */
const maxQueuedBytes = 4 * 1024 * 1024;
const resolvedForMs = 30_000;

interface UdpListener {
  socket: dgram.Socket;
  local: SipAddress;
}

interface TcpListener {
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

export async function openTransports(options: TransportOptions): Promise<Transports> {
  const { bind, onMessage, onGarbage, log } = options;
  const udp: UdpListener[] = [];
  const tcp: TcpListener[] = [];
  const connections = new Map<string, Connection>();
  const byFlow = new WeakMap<Flow, Connection>();
  const connecting = new Map<string, Promise<Flow>>();
  let closed = false;
  const resolved = new Map<string, { host: string; until: number }>();

  const udpFlow = ({ socket, local }: UdpListener, host: string, port: number): Flow => ({
    transport: 'udp',
    host,
    port,
    local,
    send(text, onFailed) {
      if (closed) return;
      socket.send(text, port, host, (error) => {
        if (!error) return;
        log.debug({ err: error, host, port }, 'a datagram was not sent');
        onFailed?.();
      });
    },
    onClose: () => () => {},
  });

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
          connectTcp(host, again).then(
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

  /** A connection that is open, is being made, or is made now. */
  async function connectTcp(host: string, port: number): Promise<Flow> {
    const key = `${host}:${port}`;
    const open = connections.get(key);
    if (open?.socket.writable) return tcpFlow(open, port);
    let made = connecting.get(key);
    if (made === undefined) {
      made = makeTcp(host, port).finally(() => connecting.delete(key));
      connecting.set(key, made);
    }
    return made;
  }

  async function makeTcp(host: string, port: number): Promise<Flow> {
    const local = nearest(tcp, host)?.local ?? nearest(udp, host)?.local;
    if (local === undefined) throw new Error('nothing is bound');
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

  /** Names are looked up once in a while; there is no SRV yet. */
  async function resolve(host: string): Promise<string> {
    if (net.isIP(host)) return host;
    const known = resolved.get(host);
    if (known && known.until > Date.now()) return known.host;
    const { address } = await lookup(host, { family: 4 });
    if (resolved.size >= maxConnections) resolved.clear();
    resolved.set(host, { host: address, until: Date.now() + resolvedForMs });
    return address;
  }

  const addresses: SipAddress[] = [];
  for (const address of bind) {
    const bound = address.transport === 'udp' ? await bindUdp(address) : await bindTcp(address);
    if ('socket' in bound) udp.push(bound);
    else tcp.push(bound);
    addresses.push(bound.local);
  }
  for (const listener of udp) {
    const { socket } = listener;
    socket.on('message', (data, { address, port }) => {
      if (data.length < 4 || port === 0) return;
      onMessage(data.toString(), udpFlow(listener, address, port));
    });
    socket.on('error', (error) => log.warn({ err: error }, 'a UDP socket reported an error'));
  }
  for (const { server, local } of tcp) {
    server.maxConnections = maxConnections;
    server.on('connection', (socket) => adopt(socket, local));
    server.on('error', (error) => log.warn({ err: error }, 'a TCP listener reported an error'));
  }

  return {
    addresses,
    async connect(to) {
      const host = await resolve(to.host);
      if (to.transport === 'tcp') return connectTcp(host, to.port);
      const from = nearest(udp, host);
      if (from === undefined) throw new Error('no UDP address is bound');
      return udpFlow(from, host, to.port);
    },
    wayBack(flow, { port, rport }) {
      const connection = byFlow.get(flow);
      if (connection) return tcpFlow(connection, port);
      const listener = udp.find(({ local }) => local === flow.local);
      return rport || port === flow.port || listener === undefined
        ? flow
        : udpFlow(listener, flow.host, port);
    },
    async close() {
      closed = true;
      for (const { socket } of connections.values()) socket.destroy();
      await Promise.all([
        ...udp.map(({ socket }) => new Promise<void>((done) => socket.close(() => done()))),
        ...tcp.map(({ server }) => new Promise<void>((done) => server.close(() => done()))),
      ]);
    },
  };
}

/** The listener for a destination: of its family, and loopback for loopback. */
function nearest<T extends { local: SipAddress }>(listeners: readonly T[], to: string): T | undefined {
  if (listeners.length < 2) return listeners[0];
  const unlike = ({ local }: T): number => {
    const host = bare(local.host);
    const any = host === '0.0.0.0' || host === '::';
    return (
      (net.isIPv6(host) === net.isIPv6(to) ? 0 : 2) + (any || isLoopback(host) === isLoopback(to) ? 0 : 1)
    );
  };
  return listeners.toSorted((a, b) => unlike(a) - unlike(b))[0];
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

async function bindUdp(address: SipAddress): Promise<UdpListener> {
  const host = bare(address.host);
  const family = net.isIPv6(host) ? 6 : 4;
  const socket = dgram.createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
    // Only addresses come here, names are resolved before: a datagram leaves at once, in its order.
    lookup: (given, _options, callback) => callback(null, given, family),
  });
  await bound(address, (done, fail) => {
    socket.once('error', fail);
    socket.bind(address.port, host, done);
  });
  socket.removeAllListeners('error');
  return { socket, local: { ...address, port: socket.address().port } };
}

async function bindTcp(address: SipAddress): Promise<TcpListener> {
  const server = net.createServer();
  await bound(address, (done, fail) => {
    server.once('error', fail);
    server.listen(address.port, bare(address.host), done);
  });
  server.removeAllListeners('error');
  return { server, local: { ...address, port: (server.address() as net.AddressInfo).port } };
}

async function bound(
  { transport, host, port }: SipAddress,
  open: (done: () => void, fail: (error: Error) => void) => void,
): Promise<void> {
  try {
    await new Promise<void>(open);
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const what = inUse ? 'is in use' : `cannot be bound: ${(error as Error).message}`;
    throw new Error(`SIP_BIND: ${transport}:${host}:${port} ${what}`, { cause: error });
  }
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
