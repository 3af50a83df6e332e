import { isIPv6 } from 'node:net';
import { ConfigError, type Config } from '../config.js';
import { isPortFree } from './ports.js';

interface Listening {
  variable: string;
  transport: 'tcp' | 'udp';
  host: string;
  port: number;
}

/** Throws a {@link ConfigError} that names each address we are to listen on and cannot, and its variable. */
export async function checkAddresses(config: Config): Promise<void> {
  const faults = await Promise.all(addresses(config).map(fault));
  const lines = faults.filter((line) => line !== undefined);
  if (lines.length > 0) throw new ConfigError([...new Set(lines)].join('\n'));
}

function addresses({ host, port, drachtio, sipBind }: Config): Listening[] {
  const web: Listening = { variable: 'PORT', transport: 'tcp', host, port };
  if (drachtio.host) return [web];
  return [
    web,
    { variable: 'DRACHTIO_PORT', transport: 'tcp', host: '127.0.0.1', port: drachtio.port },
    ...sipBind.map((address) => ({ variable: 'SIP_BIND', ...address })),
  ];
}

async function fault({ variable, transport, host, port }: Listening): Promise<string | undefined> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const shown = `${isIPv6(bare) ? `[${bare}]` : bare}:${port}`;
  try {
    return (await isPortFree(bare, port, transport)) ? undefined : `${variable}: ${shown} is in use`;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const reason = code === 'EACCES' ? 'is not allowed to this user' : `cannot be listened on (${code})`;
    return `${variable}: ${shown} ${reason}`;
  }
}
