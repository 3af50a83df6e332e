import { fastifyCors, type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/**
 * Apps of other origins may ask /v1: rights come with a bearer token, which a browser never adds by itself, so
 * that a foreign page has none to misuse. What needs no token stays with our own origin: it may be reachable
 * from inside a network only.
 */
const openToAll: FastifyCorsOptions = {
  origin: '*',
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match'],
  exposedHeaders: ['ETag', 'Retry-After'],
  // Seconds that a browser remembers it; none takes more than a day.
  maxAge: 86_400,
  strictPreflight: false,
};

/** Answers preflights, and says with each answer below /v1, refusals included, that any page may read it. */
export async function allowOtherOrigins(app: FastifyInstance): Promise<void> {
  await app.register(fastifyCors, {
    delegator: ({ url }, done) => done(null, url?.startsWith('/v1/') ? openToAll : { origin: false }),
  });
}
