import { createStreamToken, streamToken } from '@dialstream/shared/api/stream-tokens.js';
import type { FastifyInstance } from 'fastify';
import type { App, RouteParts } from '../app.js';
import { streamPath, streamRefusal, streamToken as tokenOf } from '../gateway/stream-address.js';
import type { AuthenticateStream } from '../gateway/stream-rights.js';
import { createTopicAccess } from '../gateway/topic-access.js';
import { notFound, ProblemError } from '../problems.js';
import type { StreamTokens } from '../stream-tokens.js';

/** Tokens for browsers, which are not to have an API key. */
export function addStreamTokens(app: App, { pool, once }: RouteParts, tokens: StreamTokens): void {
  const findTopic = createTopicAccess(pool);

  app.post(
    '/stream-tokens',
    {
      config: { role: 'viewer' },
      schema: { body: createStreamToken, response: { 201: streamToken } },
    },
    (request, reply) =>
      once(request, reply, [], async () => {
        const { principal } = request;
        const { topics = null, ttlSeconds } = request.body;
        for (const name of topics ?? []) {
          const topic = await findTopic({ principal, topics: null, expiresAt: null }, name);
          if (!('refused' in topic)) continue;
          if (topic.refused === 'forbidden') throw new ProblemError('forbidden', `${name} is for admins.`);
          throw notFound('topic');
        }
        const expiresAt = new Date(Math.ceil(Date.now() / 1_000 + ttlSeconds) * 1_000);
        const token = await tokens.issue({ keyId: principal.keyId, topics, expiresAt });
        return { status: 201, body: { token, expiresAt: expiresAt.toISOString() } };
      }),
  );
}

/** Tells who asks without an upgrade what a browser does not tell of one that was refused. */
export function addStreamAddress(app: FastifyInstance, authenticate: AuthenticateStream): void {
  app.get(streamPath, async ({ raw }, reply) => {
    const token = tokenOf(raw);
    if (token === null || (await authenticate(token)) === null) {
      throw streamRefusal('unauthorized');
    }
    reply.header('upgrade', 'websocket');
    throw new ProblemError('upgrade_required', 'This address is for WebSocket.');
  });
}
