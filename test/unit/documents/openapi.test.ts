import fs from 'node:fs/promises';
import { asText } from '@dialstream/server/documents/documents.js';
import { openApiDocument } from '@dialstream/server/documents/openapi.js';
import { httpAnswers, httpRequests } from '@dialstream/server/documents/names.js';
import { operationTexts } from '@dialstream/server/documents/operations.js';
import { readRoutes } from '@dialstream/server/documents/routes.js';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { danglingReferences, schemasOf } from '../../support/json-schemas.js';

const routes = await readRoutes();
const document = openApiDocument(routes);

describe('the OpenAPI document', () => {
  test('is the one that is checked in: else run `npm run generate`', async () => {
    const file = new URL('../../../server/documents/openapi.json', import.meta.url);
    expect(await fs.readFile(file, 'utf8')).toBe(asText(document));
  });

  test('is OpenAPI 3.1 by its official schema', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(asText(document)));
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, '3.1']);
  });

  test('has no reference that leads nowhere', () => {
    expect(danglingReferences(document)).toEqual([]);
  });

  test('has every route, each operation under a name of its own', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations).toHaveLength(routes.length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  test('cannot be made while a route is not described, or one is that does not exist', () => {
    expect(() => openApiDocument(routes.slice(1))).toThrow(/^operations\.ts has "/);
    const unknown = { method: 'GET', path: '/v1/new', role: null, answers: {}, contentType: 'text/plain' };
    expect(() => openApiDocument([...routes, unknown])).toThrow(
      'operations.ts says nothing of "GET /v1/new"',
    );
  });

  test('gives no name to two schemas', () => {
    const names = [...Object.keys(httpAnswers), ...Object.keys(httpRequests)];
    expect(new Set(names).size).toBe(names.length);
  });

  test('says which parameters a path has, and has a text for each operation', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(methods)) {
        const named = parameters.flatMap((one) => ('in' in one && one.in === 'path' ? [one.name] : []));
        expect([path, named]).toEqual([path, inPath]);
      }
    }
    for (const { summary } of Object.values(operationTexts)) expect(summary).toMatch(/^[A-Z].*[^.]$/);
  });

  test('has only examples that their schemas take', () => {
    const faultsOf = schemasOf(document, '2020-12');
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const faults = faultsOf({ $ref: `#/components/schemas/${name}` });
      for (const example of (schema['examples'] ?? []) as unknown[]) {
        expect([name, faults(example)]).toEqual([name, []]);
      }
    }
  });
});
