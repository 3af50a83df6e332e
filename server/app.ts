import type { Socket } from 'node:net';
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteOptions,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { Registry } from 'prom-client';
import { isConnectionError, type Pool } from '@dialstream/shared/db/pool.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';
import { noSuchAddress, ProblemError, problemType } from './problems.js';
import type { AuthenticateStream } from './gateway/stream-rights.js';
import type { Authenticate } from './principal.js';
import type { RateLimit } from './rate-limit.js';
import { guardAccess } from './routes/access.js';
import { addAccounts } from './routes/accounts.js';
import { addCallRoutes } from './routes/calls.js';
import { addCampaignActions } from './routes/campaign-actions.js';
import { addCampaigns } from './routes/campaigns.js';
import { addDocuments } from './routes/documents.js';
import { addHealth } from './routes/health.js';
import { addKeys } from './routes/keys.js';
import { addMetrics } from './routes/metrics.js';
import { drainRequests } from './routes/draining.js';
import { createOnce, type Once } from './routes/once.js';
import { allowOtherOrigins } from './routes/origins.js';
import { addStreamAddress, addStreamTokens } from './routes/streams.js';
import { addSuppressions } from './routes/suppressions.js';
import { addTrunks } from './routes/trunks.js';
import { addJsonParser, compileSerializer, compileValidator } from './routes/parsing.js';
import type { StreamTokens } from './stream-tokens.js';
import { registerWeb } from './web.js';

export interface AppOptions {
  pool: Pool;
  redis: Redis;
  outbox: Outbox;
  log: Log;
  authenticate: Authenticate;
  authenticateStream: AuthenticateStream;
  streamTokens: StreamTokens;
  /** Where others than the app count as well. */
  registry?: Registry;
  rateLimit?: RateLimit;
  /** Milliseconds that requests under way have when the app closes. */
  drainMs?: number;
  /** Sees each route as it is added: the documents are made of them. */
  onRoute?: (route: RouteOptions) => void;
}

/** What the routes below /v1 work with. */
export interface RouteParts {
  pool: Pool;
  outbox: Outbox;
  once: Once;
}

/** An app whose routes are typed by their zod schemas. */
export type App = ReturnType<typeof typed>;

const maxBodyBytes = 10 * 1024 * 1024;
/** Milliseconds within which a request must have arrived whole. */
const requestTimeoutMs = 60_000;
/** Generous: a key that meets it is most likely a loop that went wrong. */
const usualRateLimit: RateLimit = { burst: 2_000, perSecond: 500 };

/** The HTTP face. It listens nowhere yet; tests ask it by `inject`. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { pool, redis, outbox, log, authenticate, streamTokens } = options;
  const { rateLimit = usualRateLimit, drainMs = 5_000, onRoute } = options;
  const logger: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    clientErrorHandler: answerNoRequest,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
  });
  if (onRoute) app.addHook('onRoute', onRoute);
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(compileSerializer);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw noSuchAddress();
  });
  addJsonParser(app);
  drainRequests(app, drainMs);
  addMetrics(app, pool, options.registry ?? new Registry());
  addHealth(app, { pool, redis });
  await allowOtherOrigins(app);
  await registerWeb(app);
  await addDocuments(app);
  addStreamAddress(app, options.authenticateStream);
  await app.register(
    async (v1) => {
      guardAccess(v1, authenticate, rateLimit);
      const parts = { pool, outbox, once: createOnce(outbox) };
      addRoutes(typed(v1), parts);
      addStreamTokens(typed(v1), parts, streamTokens);
    },
    { prefix: '/v1' },
  );
  await app.ready();
  return app;
}

function addRoutes(app: App, parts: RouteParts): void {
  addCampaigns(app, parts);
  addCampaignActions(app, parts);
  addCallRoutes(app, parts);
  addTrunks(app, parts);
  addSuppressions(app, parts);
  addAccounts(app, parts);
  addKeys(app, parts);
}

function typed(app: FastifyInstance) {
  return app.withTypeProvider<ZodTypeProvider>();
}

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblemError(error);
  if (problem.code === 'internal') {
    request.log.error(
      { err: error, method: request.method, route: request.routeOptions.url },
      'a request failed',
    );
  }
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds);
  void reply.code(problem.statusCode).type(problemType).serializer(JSON.stringify).send(problem.toProblem());
}

/** What came is no HTTP, or did not come in time: there is no request yet that could be answered. */
function answerNoRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const problem = new ProblemError('bad_request', 'This is no HTTP request that can be read.').toProblem();
    const body = JSON.stringify(problem);
    socket.write(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
        `Connection: close\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

/** Seconds after which Postgres may be back. */
const lostServiceSeconds = 2;

/** Whatever was thrown, as a problem. What is not the caller's fault tells nothing of the inside. */
function toProblemError(error: FastifyError): ProblemError {
  if (error instanceof ProblemError) return error;
  const { statusCode = 500 } = error;
  // 414: what stands for an id is longer than any.
  if (statusCode === 404 || statusCode === 414) return noSuchAddress();
  if (statusCode === 413) return new ProblemError('too_large', `A body may have ${maxBodyBytes} bytes.`);
  if (statusCode >= 400 && statusCode < 500) return new ProblemError('bad_request', error.message);
  return new ProblemError('internal', 'Something went wrong on our side.', {
    cause: error,
    ...(isConnectionError(error) && { retryAfterSeconds: lostServiceSeconds }),
  });
}
