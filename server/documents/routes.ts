import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { createLog } from '@dialstream/shared/log.js';
import { createApp } from '../app.js';
import type { Role } from '../routes/access.js';

/** A route as the documents see it. */
export interface DocumentedRoute {
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** Null: it needs no key. */
  role: Role | null;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** By status; without any, success is an empty 204. */
  answers: Record<string, z.ZodType>;
  contentType: string;
}

/** The routes of the app but those of its pages. The app asks no service, and none need be there. */
export async function readRoutes(): Promise<DocumentedRoute[]> {
  const routes: DocumentedRoute[] = [];
  const app = await createApp({
    pool: absent('Postgres'),
    redis: absent('Redis'),
    outbox: absent('the outbox'),
    log: createLog('documents', 'silent'),
    authenticate: async () => null,
    authenticateStream: async () => null,
    streamTokens: absent('the signing secret'),
    onRoute: (route) => {
      if (route.schema?.hide !== true && route.method !== 'HEAD') routes.push(documented(route));
    },
  });
  await app.close();
  return routes;
}

/** Stands for a service where routes are only described. */
function absent(name: string): never {
  const nothing: object = new Proxy(
    {},
    {
      get() {
        throw new Error(`${name} was asked, but routes are only described here`);
      },
    },
  );
  return nothing as never;
}

function documented({ method, url, schema, config }: RouteOptions): DocumentedRoute {
  const { params, querystring, body, response = {} } = schema ?? {};
  const isPublic = !url.startsWith('/v1/');
  const usualRole = method === 'GET' ? 'viewer' : 'admin';
  return {
    method: String(method),
    path: url.replaceAll(/:(\w+)/g, '{$1}'),
    role: isPublic ? null : (config?.role ?? usualRole),
    ...(isSchema(params) && { params }),
    ...(isSchema(querystring) && { query: querystring }),
    ...(isSchema(body) && { body }),
    answers: Object.fromEntries(
      Object.entries(Object(response) as object).filter((answer): answer is [string, z.ZodType] =>
        isSchema(answer[1]),
      ),
    ),
    contentType: schema?.produces?.[0] ?? 'application/json',
  };
}

function isSchema(schema: unknown): schema is z.ZodType {
  return schema instanceof z.ZodType;
}
