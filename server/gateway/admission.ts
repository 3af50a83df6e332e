import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Log } from '@dialstream/shared/log.js';
import type { AdmissionRefusal } from './connection.js';
import type { AuthenticateStream, StreamRights } from './stream-rights.js';
import type { Usage } from './usage.js';

const tokenCharsAtMost = 4_096;
const authenticateMs = 5_000;

/** Finds the rights of a token, or why a client with it is not let in. Does not throw. */
export async function admit(
  token: unknown,
  { authenticate, usage, log }: { authenticate: AuthenticateStream; usage: Usage; log: Log },
): Promise<StreamRights | { refused: AdmissionRefusal }> {
  if (typeof token !== 'string' || token === '' || token.length > tokenCharsAtMost) {
    return { refused: 'unauthorized' };
  }
  try {
    const rights = await within(authenticateMs, 'authentication', authenticate(token));
    if (rights === null) return { refused: 'unauthorized' };
    const { keyId } = rights.principal;
    return usage.mayConnect(keyId) && usage.message(keyId) === 0 ? rights : { refused: 'rate_limited' };
  } catch (error) {
    log.warn({ err: error }, 'a connection could not be authenticated');
    return { refused: 'unavailable' };
  }
}
