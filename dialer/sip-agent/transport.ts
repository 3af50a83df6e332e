import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { StreamFraming } from './framing.js';
import type { Address } from './message.js';

/** Where a message came from, and the way back to it. */
export interface Flow {
  transport: 'udp' | 'tcp';
  /** The far end. */
  host: string;
  port: number;
  /** Our own address that it came to or leaves from. */
  local: SipAddress;
  send(text: string): void;
}

export interface Transports {
  /** The addresses that are listened on, with their real ports. */
  addresses: SipAddress[];
  /** A way to an address: a UDP socket, or a TCP connection that is made or used again. Rejects when there is none. */
  connect(to: Address): Promise<Flow>;
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

export async function openTransports(options: TransportOptions): Promise<Transports> {
  const { bind, onMessage, onGarbage, log } = options;
  const udp: { socket: dgram.Socket; local: SipAddress }[] = [];
  const tcp: { server: net.Server; local: SipAddress }[] = [];
  const connections = new Map<string, { socket: net.Socket; flow: Flow }>();
  const connecting = new Map<string, Promise<Flow>>();
  const resolved = new Map<string, { host: string; until: number }>();

  const udpFlow = (socket: dgram.Socket, local: SipAddress, host: string, port: number): Flow => ({
    transport: 'udp',
    host,
    port,
    local,
    send(text) {
      socket.send(text, port, host, (error) => {
        if (error) log.debug({ err: error, host, port }, 'a datagram was not sent');
      });
    },
  });

  function adopt(socket: net.Socket, local: SipAddress): Flow {
    const { remoteAddress: host = '', remotePort: port = 0 } = socket;
    const key = `${host}:${port}`;
    const framing = new StreamFraming();
    const flow: Flow = {
      transport: 'tcp',
      host,
      port,
      local,
      send(text) {
        if (socket.writableLength > maxQueuedBytes) socket.destroy();
        else if (socket.writable) socket.write(text);
      },
    };
    connections.set(key, { socket, flow });
    socket.setNoDelay(true);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        const { messages, pings } = framing.push(chunk);
        if (pings > 0 && socket.writable) socket.write('\r\n');
        for (const text of messages) onMessage(text, flow);
      } catch (error) {
        log.debug({ err: error, host }, 'a stream that is no SIP was closed');
        onGarbage();
        socket.destroy();
      }
    });
    socket.on('error', (error) => log.debug({ err: error, host, port }, 'a SIP connection broke'));
    socket.on('close', () => {
      if (connections.get(key)?.socket === socket) connections.delete(key);
    });
    return flow;
  }

  async function connectTcp(host: string, port: number): Promise<Flow> {
    const local = tcp[0]?.local ?? udp[0]?.local;
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
  for (const { socket, local } of udp) {
    socket.on('message', (data, { address, port }) => {
      if (data.length < 4 || port === 0) return;
      onMessage(data.toString(), udpFlow(socket, local, address, port));
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
      if (to.transport === 'udp') {
        const from = udp[0];
        if (from === undefined) throw new Error('no UDP address is bound');
        return udpFlow(from.socket, from.local, host, to.port);
      }
      const key = `${host}:${to.port}`;
      const open = connections.get(key);
      if (open) return open.flow;
      let made = connecting.get(key);
      if (made === undefined) {
        made = connectTcp(host, to.port).finally(() => connecting.delete(key));
        connecting.set(key, made);
      }
      return made;
    },
    async close() {
      for (const { socket } of connections.values()) socket.destroy();
      await Promise.all([
        ...udp.map(({ socket }) => new Promise<void>((done) => socket.close(() => done()))),
        ...tcp.map(({ server }) => new Promise<void>((done) => server.close(() => done()))),
      ]);
    },
  };
}

async function bindUdp(address: SipAddress): Promise<{ socket: dgram.Socket; local: SipAddress }> {
  const host = bare(address.host);
  const socket = dgram.createSocket({
    type: net.isIPv6(host) ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
  });
  await bound(address, (done, fail) => {
    socket.once('error', fail);
    socket.bind(address.port, host, done);
  });
  socket.removeAllListeners('error');
  return { socket, local: { ...address, port: socket.address().port } };
}

async function bindTcp(address: SipAddress): Promise<{ server: net.Server; local: SipAddress }> {
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
