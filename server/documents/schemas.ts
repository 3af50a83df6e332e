import { z } from 'zod';

/** What JSON can hold. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** A JSON Schema, or any other object of a document. */
export interface JsonObject {
  [name: string]: Json;
}

/** Schemas by the names that the documents give them. */
export type Names = Record<string, z.ZodType>;

export interface SchemasOptions {
  names: Names;
  /** `input`: what a client sends, before defaults are filled in. `output`: what it gets. */
  io: 'input' | 'output';
  /** AsyncAPI 3 takes draft 7, OpenAPI 3.1 takes draft 2020-12. */
  target: 'draft-7' | 'draft-2020-12';
}

/** Turns zod schemas into JSON Schema. Those that have a name stand among the components, once. */
export interface Schemas {
  /** A reference when the schema has a name, else the schema itself, with references to what has one. */
  of(schema: z.ZodType): JsonObject;
  components(): Record<string, JsonObject>;
}

/** A name that no component has. */
const unnamed = '?';

export function createSchemas({ names, io, target }: SchemasOptions): Schemas {
  const convert = (schemas: Names): Record<string, JsonObject> => {
    const registry = z.registry<{ id: string }>();
    for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
    const converted = z.toJSONSchema(registry, {
      io,
      target,
      uri: referenceTo,
      override: ({ zodSchema, jsonSchema }) => simplify(zodSchema, jsonSchema, io),
    });
    return JSON.parse(JSON.stringify(converted.schemas, withoutIdentity)) as Record<string, JsonObject>;
  };
  const nameOf = new Map(Object.entries(names).map(([name, schema]) => [schema, name]));
  return {
    of(schema) {
      const name = nameOf.get(schema);
      if (name !== undefined) return { $ref: referenceTo(name) };
      return convert({ ...names, [unnamed]: schema })[unnamed] ?? {};
    },
    components: () => convert(names),
  };
}

export function referenceTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Leaves out what zod says of itself rather than of the value. */
function simplify(
  zodSchema: z.core.$ZodTypes,
  schema: z.core.JSONSchema.BaseSchema,
  io: 'input' | 'output',
): void {
  // The pattern of a format says again, and at length, what the format says.
  if (schema.format !== undefined) delete schema.pattern;
  // Every integer of zod's is a safe one.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // What we send may get more fields: a client is to pass over those it does not know.
  if (io === 'output' && zodSchema._zod.def.type === 'object') delete schema.additionalProperties;
}

function withoutIdentity(this: unknown, key: string, value: unknown): unknown {
  return key === '$id' || key === '$schema' ? undefined : value;
}
