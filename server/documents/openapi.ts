import { schemaExamples } from './examples.js';
import { httpAnswers, httpRequests } from './names.js';
import type { OpenApiDocument } from './openapi-shapes.js';
import { commonParameters, operation, securitySchemes, type Writing } from './operation.js';
import { operationTexts } from './operations.js';
import { commonAnswers } from './problem-answers.js';
import type { DocumentedRoute } from './routes.js';
import { createSchemas, type JsonObject } from './schemas.js';

const description = `Campaigns, calls, trunks and accounts over HTTP, as JSON. What happens to them is told live: see the AsyncAPI \
document.

Times are ISO 8601 in UTC, ids are strings, phone numbers E.164 with \`+\`. Lists come in pages: give \`nextCursor\` as \
\`cursor\` for the next one, until it is null. Whatever is refused is answered with a problem of RFC 9457, whose \`code\` \
says why. Answers may get more fields; pass over those that you do not know. Pages of any origin may ask below /v1.`;

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
      responses: commonAnswers(),
      parameters: commonParameters,
      securitySchemes,
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
