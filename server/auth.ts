import { findKey, findKeyById, hashKey, type StoredKey } from '@dialstream/shared/db/api-keys.js';
import type { Pool } from '@dialstream/shared/db/pool.js';
import type { AuthenticateStream, FindPrincipal } from './gateway/stream-rights.js';
import type { Authenticate, Principal } from './principal.js';
import type { StreamTokens } from './stream-tokens.js';

/** Unknown keys are remembered as well, so the memory has an end. */
const rememberedAtMost = 10_000;
const usualRememberMs = 2_000;

/**
 * Finds who a key acts for. An answer is remembered for `rememberMs`, and requests that come at once share
 * one query: a revoked key works that much longer. Throws when Postgres does not answer.
 */
export function createAuthenticate(pool: Pool, rememberMs = usualRememberMs): Authenticate {
  return remember(hashOf, rememberMs, async (token) => toPrincipal(await findKey(pool, hashKey(token))));
}

/** The same by the key's id. */
export function createFindPrincipal(pool: Pool, rememberMs = usualRememberMs): FindPrincipal {
  const itself = (keyId: string): string => keyId;
  return remember(itself, rememberMs, async (keyId) => toPrincipal(await findKeyById(pool, keyId)));
}

/** The rights of who comes to the stream, with an API key or with a stream token. */
export function createAuthenticateStream(
  authenticate: Authenticate,
  findPrincipal: FindPrincipal,
  tokens: StreamTokens,
): AuthenticateStream {
  return async (token) => {
    const grant = await tokens.read(token);
    const principal = grant === null ? await authenticate(token) : await findPrincipal(grant.keyId);
    if (principal === null) return null;
    return { principal, topics: grant?.topics ?? null, expiresAt: grant?.expiresAt ?? null };
  };
}

function hashOf(token: string): string {
  return hashKey(token).toString('base64');
}

type Find = (key: string) => Promise<Principal | null>;

/** `find` with a memory; what is kept is not the key itself but what `nameOf` makes of it. */
function remember(nameOf: (key: string) => string, rememberMs: number, find: Find): Find {
  const remembered = new Map<string, { principal: Promise<Principal | null>; untilMs: number }>();

  return async (key) => {
    const name = nameOf(key);
    const known = remembered.get(name);
    if (known && performance.now() < known.untilMs) return known.principal;
    const principal = find(key);
    remembered.delete(name);
    remembered.set(name, { principal, untilMs: performance.now() + rememberMs });
    const [oldest] = remembered.keys();
    if (remembered.size > rememberedAtMost && oldest !== undefined) remembered.delete(oldest);
    try {
      return await principal;
    } catch (error) {
      if (remembered.get(name)?.principal === principal) remembered.delete(name);
      throw error;
    }
  };
}

function toPrincipal(key: StoredKey | null): Principal | null {
  if (!key) return null;
  const { accountId, id: keyId, name, role, isRoot } = key;
  return { accountId, keyId, name, role, isRoot };
}
