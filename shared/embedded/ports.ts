import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs/promises';
import net from 'node:net';

/**
 * Where free ports are looked for. Below the ephemeral range: a client that keeps trying a dead port of
 * that range can end up connected to itself and so hold the port for good. Below RTP_PORTS as well.
 */
const searched = { first: 12_000, last: 19_999 };

/** Whether nothing is bound to the port. A fault that is not "in use" (no such address) is thrown. */
export async function isPortFree(host: string, port: number, transport: 'tcp' | 'udp'): Promise<boolean> {
  try {
    await (transport === 'tcp' ? bindTcp(host, port) : bindUdp(host, port));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Ports that this process has given out and that may not be bound yet: none is given out twice. */
const given = new Set<number>();
const rememberedPorts = 1_000;

/** A loopback port that is free for TCP and UDP right now, and that this process has not given out before. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  if (given.size >= rememberedPorts) given.clear();
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(searched.first, searched.last + 1);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isPortFree(host, port, 'tcp')) && (await isPortFree(host, port, 'udp'))) return port;
  }
  throw new Error(`No free port within ${searched.first}-${searched.last} on ${host}`);
}

/** The port written in `file` while it is free, otherwise another one, which is written there. */
export async function keptPort(file: string): Promise<number> {
  const kept = Number(await fs.readFile(file, 'utf8').catch(absent));
  const usable = Number.isInteger(kept) && kept > 0 && kept < 65_536;
  if (usable && (await isPortFree('127.0.0.1', kept, 'tcp'))) return kept;
  const port = await freePort();
  await fs.writeFile(file, `${port}\n`);
  return port;
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

async function bindTcp(host: string, port: number): Promise<void> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

async function bindUdp(host: string, port: number): Promise<void> {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, resolve);
    });
  } finally {
    socket.close();
  }
}
