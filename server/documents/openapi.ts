import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { kinds, problemType, type ProblemCode } from '../problems.js';
import { asList, problemMeanings } from './codes.js';
import { schemaExamples } from './examples.js';
import { httpAnswers, httpRequests } from './names.js';
import { operationTexts, type OperationText } from './operations.js';
import type { DocumentedRoute } from './routes.js';
import { createSchemas, referenceTo, type JsonObject, type Schemas } from './schemas.js';

export interface Parameter extends JsonObject {
  name: string;
  in: string;
  required: boolean;
  schema: JsonObject;
}

export interface Content extends JsonObject {
  schema: JsonObject;
}

export interface Response extends JsonObject {
  description: string;
  content: Record<string, Content>;
}

export interface HttpOperation extends JsonObject {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  parameters: (Parameter | { $ref: string })[];
  responses: Record<string, Response | { $ref: string }>;
}

/** OpenAPI 3.1, of which this is what ours uses. */
export interface OpenApiDocument extends JsonObject {
  openapi: string;
  info: { title: string; version: string; description: string; license: JsonObject };
  paths: Record<string, Record<string, HttpOperation>>;
  components: {
    schemas: Record<string, JsonObject>;
    responses: Record<string, Response>;
    parameters: Record<string, Parameter>;
    securitySchemes: Record<string, JsonObject>;
  };
}

const description = `Campaigns, calls, trunks and accounts over HTTP, as JSON. What happens to them is told live: see the AsyncAPI \
document.

Times are ISO 8601 in UTC, ids are strings, phone numbers E.164 with \`+\`. Lists come in pages: give \`nextCursor\` as \
\`cursor\` for the next one, until it is null. Whatever is refused is answered with a problem of RFC 9457, whose \`code\` \
says why. Answers may get more fields; pass over those that you do not know.`;

interface Writing {
  requests: Schemas;
  answers: Schemas;
}

/** The HTTP face, from its routes. Throws when `operationTexts` has too few or too many. */
export function openApiDocument(routes: DocumentedRoute[]): OpenApiDocument {
  const target = 'draft-2020-12';
  const writing: Writing = {
    requests: createSchemas({ names: httpRequests, io: 'input', target }),
    answers: createSchemas({ names: httpAnswers, io: 'output', target }),
  };
  return {
    openapi: '3.1.1',
    info: { title: 'Dialstream', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'The server that gives this document.' }],
    paths: paths(routes, writing),
    components: {
      schemas: componentSchemas(writing),
      responses: commonResponses(),
      parameters: commonParameters,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
    },
  };
}

function paths(routes: DocumentedRoute[], writing: Writing): OpenApiDocument['paths'] {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const documented: OpenApiDocument['paths'] = {};
  for (const [name, text] of Object.entries(operationTexts)) {
    const route = byName.get(name);
    if (!route) throw new Error(`operations.ts has "${name}", but there is no such route`);
    byName.delete(name);
    documented[route.path] = {
      ...documented[route.path],
      [route.method.toLowerCase()]: operation(route, text, writing),
    };
  }
  const [without] = byName.keys();
  if (without !== undefined) throw new Error(`operations.ts says nothing of "${without}"`);
  return documented;
}

function operation(route: DocumentedRoute, text: OperationText, writing: Writing): HttpOperation {
  const { operationId, summary } = text;
  const needed = route.role === null ? 'Needs no key.' : `Needs ${nameOfRole(route.role)}.`;
  const body = requestBody(route, text, writing);
  return {
    operationId,
    summary,
    description: [text.description, needed].filter(Boolean).join('\n\n'),
    tags: [tagOf(route.path)],
    security: route.role === null ? [] : [{ key: [] }],
    ...(route.role !== null && { 'x-role': route.role }),
    parameters: parameters(route, text, writing),
    ...(body && { requestBody: body }),
    responses: { ...successes(route, text, writing), ...problems(route, text) },
  };
}

function nameOfRole(role: NonNullable<DocumentedRoute['role']>): string {
  if (role === 'root') return 'the root key';
  return role === 'admin' ? 'the role `admin`' : `the role \`${role}\` or a higher one`;
}

/** `/v1/campaigns/{id}/calls` is about calls. */
function tagOf(path: string): string {
  if (!path.startsWith('/v1/')) return 'Health';
  const name = /\/calls\b/.test(path) ? 'calls' : (path.split('/')[2] ?? '');
  const plural = name === 'account' ? 'accounts' : name;
  return plural.charAt(0).toUpperCase() + plural.slice(1);
}

function parameters(
  route: DocumentedRoute,
  text: OperationText,
  { requests }: Writing,
): HttpOperation['parameters'] {
  const named = (place: 'path' | 'query', schema?: z.ZodType): Parameter[] => {
    if (!schema) return [];
    const { properties = {}, required = [] } = requests.of(schema) as {
      properties?: Record<string, JsonObject>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description: said, ...rest }]) => ({
      name,
      in: place,
      ...(typeof said === 'string' && { description: said }),
      required: place === 'path' || required.includes(name),
      schema: rest,
    }));
  };
  const isKept = route.method === 'POST' && route.role !== null;
  return [
    ...named('path', route.params),
    ...named('query', route.query),
    ...(isKept ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(text.ifMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

const commonParameters: Record<string, Parameter> = {
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

function requestBody(
  { body }: DocumentedRoute,
  { patch }: OperationText,
  { requests }: Writing,
): JsonObject | null {
  if (!body) return null;
  const schema = patch ? { $ref: referenceTo(patch) } : requests.of(body);
  return { required: !body.safeParse({}).success, content: { 'application/json': { schema } } };
}

function successes(
  route: DocumentedRoute,
  { etag }: OperationText,
  { answers }: Writing,
): HttpOperation['responses'] {
  const headers = etag && {
    headers: { ETag: { description: 'The version, for `If-Match`.', schema: { type: 'string' } } },
  };
  const given = Object.entries(route.answers).map(([status, schema]): [string, Response] => [
    status,
    {
      description: STATUS_CODES[status] ?? status,
      ...headers,
      content: { [route.contentType]: { schema: answers.of(schema) } },
    },
  ]);
  if (given.length === 0) return { '204': { description: 'Done', content: {} } };
  return Object.fromEntries(given);
}

/** Codes of which no more is to be said at a route than that it may answer with them. */
const commonCodes = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'too_large',
  'rate_limited',
  'internal',
] as const;

function commonResponses(): Record<string, Response> {
  return Object.fromEntries(commonCodes.map((code) => [code, problemResponse([code])]));
}

function problems(
  route: DocumentedRoute,
  { refuses = [], ifMatch }: OperationText,
): HttpOperation['responses'] {
  if (route.role === null) return {};
  const codes: ProblemCode[] = [
    ...(route.body || route.method === 'POST' ? (['bad_request'] as const) : []),
    'unauthorized',
    ...(route.role === 'viewer' ? [] : (['forbidden'] as const)),
    ...(route.params ? (['not_found'] as const) : []),
    ...refuses,
    ...(ifMatch ? (['version_mismatch'] as const) : []),
    ...(route.body ? (['too_large', 'invalid'] as const) : []),
    ...(route.query ? (['invalid'] as const) : []),
    ...(route.method === 'POST' ? (['idempotency_mismatch'] as const) : []),
    'rate_limited',
    'internal',
  ];
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = kinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => {
      const [only] = ofStatus;
      const isCommon = ofStatus.length === 1 && commonCodes.some((code) => code === only);
      return [status, isCommon ? { $ref: `#/components/responses/${only}` } : problemResponse(ofStatus)];
    }),
  );
}

function problemResponse(codes: readonly ProblemCode[]): Response {
  const waits = codes.some((code) => code === 'rate_limited' || code === 'internal') && {
    headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
  };
  return {
    description: asList(Object.fromEntries(codes.map((code) => [code, problemMeanings[code]]))),
    ...waits,
    content: { [problemType]: { schema: { $ref: referenceTo('Problem') } } },
  };
}

function componentSchemas({ requests, answers }: Writing): Record<string, JsonObject> {
  const taken = requests.components();
  const schemas: Record<string, JsonObject> = {
    ...taken,
    CampaignPatch: anyPartOf(taken['NewCampaign']),
    TrunkPatch: anyPartOf(taken['NewTrunk']),
    ...answers.components(),
  };
  for (const [name, examples] of Object.entries(schemaExamples)) {
    schemas[name] = { ...schemas[name], examples };
  }
  return schemas;
}

/** The schema of a patch: what is left out stays as it is, so that nothing is required and has a default. */
function anyPartOf(schema: JsonObject = {}): JsonObject {
  const { required: _required, properties, ...rest } = schema;
  const withoutDefaults = Object.entries(properties as Record<string, JsonObject>).map(
    ([name, { default: _default, ...property }]) => [name, property],
  );
  return { ...rest, properties: Object.fromEntries(withoutDefaults) as Record<string, JsonObject> };
}
