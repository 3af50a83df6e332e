import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems.js';
import type { Authenticate, Principal } from '../principal.js';
import { createRateLimit, type RateLimit } from '../rate-limit.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set on every route below /v1. */
    principal: Principal;
    /** The API key as it was sent. */
    apiKey: string;
  }
  interface FastifyContextConfig {
    /** The least that the key must be allowed. Without it: viewer to read, admin for the rest. */
    role?: Role;
  }
}

/** `root`: the key from ADMIN_KEY only. Each role may do what those before it may. */
const roles = ['viewer', 'operator', 'admin', 'root'] as const;
export type Role = (typeof roles)[number];

/** Lets nobody in without a key, without the role for the route, or too often. */
export function guardAccess(app: FastifyInstance, authenticate: Authenticate, limit: RateLimit): void {
  const takePlace = createRateLimit(limit);
  app.decorateRequest('apiKey', '');
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRequest', async (request, reply) => {
    const token = bearerToken(request);
    const principal = token === null ? null : await authenticate(token);
    if (token === null || principal === null) {
      reply.header('www-authenticate', 'Bearer');
      throw new ProblemError('unauthorized', 'An API key is needed: Authorization: Bearer <key>.');
    }
    const waitSeconds = takePlace(principal.keyId);
    if (waitSeconds > 0) {
      throw new ProblemError('rate_limited', `This key may ask ${limit.perSecond} times per second.`, {
        retryAfterSeconds: waitSeconds,
      });
    }
    request.principal = principal;
    request.apiKey = token;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const needed = request.routeOptions.config.role ?? (reads ? 'viewer' : 'admin');
    if (!isAllowed(principal, needed)) {
      throw new ProblemError(
        'forbidden',
        `This needs ${needed === 'root' ? 'the root key' : `the role ${needed}`}.`,
      );
    }
  });
}

export function isAllowed({ role, isRoot }: Principal, needed: Role): boolean {
  return roles.indexOf(isRoot ? 'root' : role) >= roles.indexOf(needed);
}

function bearerToken({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S.{0,499})$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}
