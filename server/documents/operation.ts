import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import type { Content, HttpAnswer, HttpOperation, Parameter } from './openapi-shapes.js';
import type { OperationText } from './operations.js';
import { problemAnswers } from './problem-answers.js';
import type { DocumentedRoute } from './routes.js';
import { referenceTo, type JsonObject, type Schemas } from './schemas.js';

/** What schemas of routes are written with. */
export interface Writing {
  requests: Schemas;
  answers: Schemas;
}

export const securitySchemes = {
  key: { type: 'http', scheme: 'bearer', description: 'An API key; for streams a stream token, too.' },
  tokenInAddress: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'For streams of browsers. Addresses end up in logs: use a stream token.',
  },
};

/** One route, as OpenAPI describes it. */
export function operation(route: DocumentedRoute, text: OperationText, writing: Writing): HttpOperation {
  const { operationId, summary } = text;
  const body = requestBody(route, text, writing);
  return {
    operationId,
    summary,
    description: [text.description, `Needs ${neededBy(route, text)}.`].filter(Boolean).join('\n\n'),
    tags: [tagOf(route.path)],
    security: securityOf(route, text),
    parameters: parameters(route, text, writing),
    ...(body && { requestBody: body }),
    responses: { ...successes(route, text, writing), ...problemAnswers(route, text) },
  };
}

function neededBy({ role }: DocumentedRoute, { upgrades }: OperationText): string {
  if (upgrades) return 'an API key or a stream token';
  if (role === null) return 'no key';
  if (role === 'root') return 'the root key';
  return role === 'admin' ? 'the role `admin`' : `the role \`${role}\` or a higher one`;
}

function securityOf({ role }: DocumentedRoute, { upgrades }: OperationText): JsonObject[] {
  if (upgrades) return [{ key: [] }, { tokenInAddress: [] }];
  return role === null ? [] : [{ key: [] }];
}

/** `/v1/campaigns/{id}/calls` is about calls. */
function tagOf(path: string): string {
  if (!path.startsWith('/v1/')) return 'Health';
  if (path.startsWith('/v1/stream')) return 'Streams';
  const name = /\/calls\b/.test(path) ? 'calls' : (path.split('/')[2] ?? '');
  const plural = name === 'account' ? 'accounts' : name;
  return plural.charAt(0).toUpperCase() + plural.slice(1);
}

export const commonParameters: Record<string, Parameter> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The same key and body give the same answer for 24 hours, and the change is made once. Another body is ' +
      'refused with `idempotency_mismatch`.',
    required: false,
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The `version` that you have seen, in quotes. At another one the change is refused with `version_mismatch`.',
    required: false,
    schema: { type: 'string', examples: ['"7"'] },
  },
};

function parameters(
  route: DocumentedRoute,
  { ifMatch }: OperationText,
  { requests }: Writing,
): HttpOperation['parameters'] {
  const isKept = route.method === 'POST' && route.role !== null;
  return [
    ...namedParameters('path', route.params, requests),
    ...namedParameters('query', route.query, requests),
    ...(isKept ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(ifMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

function namedParameters(
  place: 'path' | 'query',
  schema: z.ZodType | undefined,
  requests: Schemas,
): Parameter[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = requests.of(schema) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    ...(typeof description === 'string' && { description }),
    required: required.includes(name),
    schema: rest,
  }));
}

function requestBody(
  { body }: DocumentedRoute,
  { patch }: OperationText,
  { requests }: Writing,
): JsonObject | null {
  if (!body) return null;
  const schema = patch ? { $ref: referenceTo(patch) } : requests.of(body);
  const content: Content = { 'application/json': { schema } };
  return { required: !body.safeParse({}).success, content };
}

function successes(
  route: DocumentedRoute,
  { etag, upgrades }: OperationText,
  { answers }: Writing,
): HttpOperation['responses'] {
  if (upgrades) return { '101': { description: 'The WebSocket is open.', content: {} } };
  const headers = { ETag: { description: 'The version, for `If-Match`.', schema: { type: 'string' } } };
  const given = Object.entries(route.answers).map(([status, schema]): [string, HttpAnswer] => [
    status,
    {
      description: STATUS_CODES[status] ?? status,
      ...(etag && { headers }),
      content: { [route.contentType]: { schema: answers.of(schema) } },
    },
  ]);
  if (given.length === 0) return { '204': { description: 'Done', content: {} } };
  return Object.fromEntries(given);
}
