import type { SipAddress } from '@dialstream/shared/config.js';

/** Binds an address. Throws when it cannot be, naming it and its variable. */
export async function bound(
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

/** An address without the brackets of IPv6. */
export function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
