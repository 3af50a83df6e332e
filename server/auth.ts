import { findKey, hashKey } from '@dialstream/shared/db/api-keys.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { Authenticate, Principal } from './principal.js';

/** Unknown keys are remembered as well, so the memory has an end. */
const rememberedKeys = 10_000;

/**
 * Finds who a key acts for. An answer is remembered for `rememberMs`, and requests that come at once share
 * one query: a revoked key works that much longer. Throws when Postgres does not answer.
 */
export function createAuthenticate(pool: Pool, rememberMs = 2_000): Authenticate {
  const remembered = new Map<string, { principal: Promise<Principal | null>; untilMs: number }>();

  return async (token) => {
    const hash = hashKey(token);
    const id = hash.toString('base64');
    const known = remembered.get(id);
    if (known && performance.now() < known.untilMs) return known.principal;
    const principal = readPrincipal(pool, hash);
    remembered.delete(id);
    remembered.set(id, { principal, untilMs: performance.now() + rememberMs });
    const [oldest] = remembered.keys();
    if (remembered.size > rememberedKeys && oldest !== undefined) remembered.delete(oldest);
    try {
      return await principal;
    } catch (error) {
      if (remembered.get(id)?.principal === principal) remembered.delete(id);
      throw error;
    }
  };
}

async function readPrincipal(pool: Pool, hash: Buffer): Promise<Principal | null> {
  const key = await findKey(pool, hash);
  if (!key) return null;
  const { accountId, id: keyId, name, role, isRoot } = key;
  return { accountId, keyId, name, role, isRoot };
}
