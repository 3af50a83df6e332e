import fs from 'node:fs/promises';
import { sdkTypes } from '@dialstream/shared/sdk-types/sdk-types.js';
import { typeText, type JsonSchema } from '@dialstream/shared/sdk-types/type-text.js';
import { describe, expect, test } from 'vitest';

describe('the types of the SDK', () => {
  test('are what the schemas say; if not, npm run generate', async () => {
    const file = new URL('../../../client-sdk/generated/types.ts', import.meta.url);
    expect(await fs.readFile(file, 'utf8')).toBe(sdkTypes());
  });

  test('all have a line that tells what they are', () => {
    const declarations = sdkTypes().split(/^export /m);
    expect(declarations.length).toBeGreaterThan(40);
    for (const before of declarations.slice(0, -1)) expect(before).toMatch(/\/\*\* \S.{5,} \*\/\n$/);
  });
});

describe('a JSON Schema as a type', () => {
  const text = (schema: JsonSchema, isSent = false) =>
    typeText(schema, {
      isSent,
      nameOfEnum: (values) => (values.join() === 'a,b' ? 'Letter' : undefined),
    });

  test.for([
    [{ type: 'integer' }, 'number'],
    [{ const: 'x' }, `'x'`],
    [{ enum: ['a', 'b'] }, 'Letter'],
    [{ enum: ['a', 'c'] }, `'a' | 'c'`],
    [{ $ref: 'Counts' }, 'Counts'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ type: ['number', 'null'] }, 'number | null'],
    [{ type: 'array', items: { enum: ['c', 'd'] } }, `('c' | 'd')[]`],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'object', additionalProperties: {} }, 'Record<string, unknown>'],
    [
      {
        type: 'object',
        propertyNames: { enum: ['a', 'b'] },
        additionalProperties: { type: 'number' },
      },
      'Partial<Record<Letter, number>>',
    ],
    [{}, 'unknown'],
  ] as const)('%j is %s', ([schema, type]) => {
    expect(text(schema as JsonSchema)).toBe(type);
  });

  test('has its optional properties, and in what is sent their ranges and defaults', () => {
    const schema = {
      type: 'object',
      required: ['a.b'],
      properties: {
        'a.b': { type: 'string', description: 'What it is.', maxLength: 9 },
        n: { type: 'integer', minimum: 1, maximum: 5_000, default: 3 },
      },
    };
    expect(text(schema)).toBe(`{\n  /** What it is. */\n  'a.b': string;\n  n?: number;\n}`);
    expect(text(schema, true)).toBe(
      `{\n  /** What it is. 9 characters at most. */\n  'a.b': string;\n` +
        `  /** 1 to 5,000; 3 when left out. */\n  n?: number;\n}`,
    );
  });

  test('is an error for a schema that it does not know', () => {
    expect(() => text({ type: 'tuple' })).toThrow('no TypeScript');
  });
});
