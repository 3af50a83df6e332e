import type { JsonObject } from '@dialstream/server/documents/schemas.js';
import { Ajv as Draft7, type Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** Says what is wrong with a value, or nothing. */
export type Faults = (value: unknown) => string[];

const options: Options = { strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true };

/** Gives the checks of the schemas in a document, which refer to its components. */
export function schemasOf(document: JsonObject, draft: '7' | '2020-12'): (schema: object) => Faults {
  const ajv: Ajv = draft === '7' ? new Draft7(options) : new Ajv2020(options);
  formats.default(ajv);
  ajv.addKeyword('components');
  return (schema) => {
    const check = ajv.compile({ ...schema, components: document['components'] });
    return (value) => {
      check(value);
      return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
    };
  };
}

/** All references of a document that lead nowhere. */
export function danglingReferences(document: JsonObject): string[] {
  const dangling: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('$ref' in value && typeof value.$ref === 'string' && !leadsSomewhere(document, value.$ref)) {
      dangling.push(value.$ref);
    }
    Object.values(value).forEach(visit);
  };
  visit(document);
  return dangling;
}

function leadsSomewhere(document: JsonObject, reference: string): boolean {
  if (!reference.startsWith('#/')) return false;
  let place: unknown = document;
  for (const step of reference.slice(2).split('/')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    place = typeof place === 'object' && place !== null ? (place as JsonObject)[name] : undefined;
  }
  return place !== undefined;
}

/** The same schemas, but that objects may have no other fields than they name. */
export function withoutMore<Schema extends object>(schema: Schema): Schema {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => {
      const isObject =
        typeof value === 'object' && value !== null && 'properties' in value && 'type' in value;
      // The properties of an object may be called `type` and `properties` as well.
      if (!isObject || value.type !== 'object' || key === 'properties') return value;
      return { additionalProperties: false, ...value };
    }),
  ) as Schema;
}
