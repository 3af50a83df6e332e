import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { bare, bound } from './binding.js';
import type { Address } from './header-values.js';
import { bindTcp, createTcpConnections, type TcpListener } from './tcp.js';

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

const resolvedForMs = 30_000;
const maxResolved = 1_000;

interface UdpListener {
  socket: dgram.Socket;
  local: SipAddress;
}

export async function openTransports(options: TransportOptions): Promise<Transports> {
  const { bind, onMessage, log } = options;
  const connections = createTcpConnections(options);
  const resolve = createResolver();
  const udp: UdpListener[] = [];
  const tcp: TcpListener[] = [];
  const addresses: SipAddress[] = [];
  let closed = false;

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

  async function close(): Promise<void> {
    closed = true;
    connections.close();
    await Promise.all([
      ...udp.map(({ socket }) => new Promise<void>((done) => socket.close(() => done()))),
      ...tcp.map(({ server }) => new Promise<void>((done) => server.close(() => done()))),
    ]);
  }

  try {
    for (const address of bind) {
      const made = address.transport === 'udp' ? await bindUdp(address) : await bindTcp(address);
      if ('socket' in made) udp.push(made);
      else tcp.push(made);
      addresses.push(made.local);
    }
  } catch (error) {
    await close();
    throw error;
  }
  for (const listener of udp) {
    const { socket } = listener;
    socket.on('message', (bytes, { address, port }) => {
      if (bytes.length < 4 || port === 0) return;
      onMessage(bytes.toString(), udpFlow(listener, address, port));
    });
    socket.on('error', (error) => log.warn({ err: error }, 'a UDP socket reported an error'));
  }
  for (const listener of tcp) connections.listen(listener);

  return {
    addresses,
    async connect(to) {
      const host = await resolve(to.host);
      const from = nearest(udp, host);
      if (to.transport === 'tcp') {
        const local = nearest(tcp, host)?.local ?? from?.local;
        if (local === undefined) throw new Error('nothing is bound');
        return connections.connect(host, to.port, local);
      }
      if (from === undefined) throw new Error('no UDP address is bound');
      return udpFlow(from, host, to.port);
    },
    wayBack(flow, { port, rport }) {
      const listener = udp.find(({ local }) => local === flow.local);
      const elsewhere = !rport && port !== flow.port && listener !== undefined;
      return connections.wayBack(flow, port) ?? (elsewhere ? udpFlow(listener, flow.host, port) : flow);
    },
    close,
  };
}

/** Looks names up once in a while; there is no SRV yet. */
function createResolver(): (host: string) => Promise<string> {
  const resolved = new Map<string, { host: string; until: number }>();
  return async (host) => {
    if (net.isIP(host)) return host;
    const known = resolved.get(host);
    if (known && known.until > Date.now()) return known.host;
    const { address } = await lookup(host, { family: 4 });
    if (resolved.size >= maxResolved) resolved.clear();
    resolved.set(host, { host: address, until: Date.now() + resolvedForMs });
    return address;
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
