import { randomBytes } from 'node:crypto';
import type { Pool } from '@dialstream/shared/db/pool.js';
import { signingSecret } from '@dialstream/shared/db/signing-secrets.js';
import type { TopicName } from '@dialstream/shared/events/topics.js';
import { jwtVerify, SignJWT } from 'jose';
import { JOSEError } from 'jose/errors';

/** What a stream token grants: a part of what its key may, for a time. */
export interface StreamGrant {
  keyId: string;
  /** Null: all topics that the key may have. */
  topics: readonly TopicName[] | null;
  expiresAt: Date;
}

/** Stream tokens: JWTs (RFC 7519) signed by HMAC with SHA-256. Both throw when Postgres does not answer. */
export interface StreamTokens {
  issue(grant: StreamGrant): Promise<string>;
  /** Null: it is not a token of ours, or it has expired. */
  read(token: string): Promise<StreamGrant | null>;
}

const purpose = 'stream-tokens';
const algorithm = 'HS256';
const claims = { issuer: 'dialstream', audience: 'stream' };
/** JSON in base64url that begins with `{"`, and two more parts. */
const looksLikeJwt = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

export function createStreamTokens(pool: Pool): StreamTokens {
  let kept: Promise<Uint8Array> | null = null;

  /** Read once; a failure is not kept. */
  function secret(): Promise<Uint8Array> {
    kept ??= signingSecret(pool, purpose, randomBytes(32)).catch((error: unknown) => {
      kept = null;
      throw error;
    });
    return kept;
  }

  return {
    async issue({ keyId, topics, expiresAt }) {
      return new SignJWT({ ...(topics && { topics }) })
        .setProtectedHeader({ alg: algorithm })
        .setIssuer(claims.issuer)
        .setAudience(claims.audience)
        .setSubject(keyId)
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(await secret());
    },

    async read(token) {
      if (!looksLikeJwt.test(token)) return null;
      const key = await secret();
      try {
        const { payload } = await jwtVerify<{ topics?: TopicName[] }>(token, key, {
          ...claims,
          algorithms: [algorithm],
          requiredClaims: ['sub', 'exp'],
        });
        const { sub: keyId = '', exp = 0, topics = null } = payload;
        return { keyId, topics, expiresAt: new Date(exp * 1_000) };
      } catch (error) {
        if (error instanceof JOSEError) return null;
        throw error;
      }
    },
  };
}
