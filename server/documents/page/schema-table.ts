import type { Json, JsonObject } from '../schemas.js';
import { html, phrase, prose, type Html, type Part } from './html.js';

/** The fields of an object, those of its inner objects below them. Of another schema: what it is. */
export function schemaTable(schema: JsonObject): Html {
  const rows = rowsOf(schema, '');
  const whole = html`${typeof schema['description'] === 'string' && prose(schema['description'])}`;
  if (rows.length === 0)
    return html`${whole}
      <p>${typeOf(schema)}</p>`;
  return html`${whole}
    <div class="scroll">
      <table class="fields">
        <thead>
          <tr>
            <th>Field</th>
            <th>Type</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function rowsOf(schema: JsonObject, prefix: string): Html[] {
  return Object.entries(objects(schema['properties'])).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const isOptional = !texts(schema['required']).includes(name);
    return [row(path, property, isOptional), ...innerRows(property, path)];
  });
}

function innerRows(schema: JsonObject, path: string): Html[] {
  const [of] = variants(schema).filter(
    (variant) => variant['type'] === 'object' || variant['type'] === 'array',
  );
  if (!of) return [];
  if (of['type'] === 'array') return innerRows(object(of['items']), `${path}[]`);
  if (isObject(of['additionalProperties'])) return innerRows(of['additionalProperties'], `${path}.*`);
  return rowsOf(of, `${path}.`);
}

function row(path: string, schema: JsonObject, isOptional: boolean): Html {
  const { description } = schema;
  return html`<tr>
    <td><code>${path}</code>${isOptional && html` <small>optional</small>`}</td>
    <td>${typeOf(schema)}</td>
    <td>${typeof description === 'string' && phrase(description)} ${limitsOf(schema)}</td>
  </tr>`;
}

/** What a value is, in few words; components are links. */
export function typeOf(schema: JsonObject): Html {
  const { $ref: reference, type, enum: values, const: constant, format, additionalProperties } = schema;
  if (typeof reference === 'string') return linkTo(reference);
  if (constant !== undefined) return html`<code>${JSON.stringify(constant)}</code>`;
  if (Array.isArray(values)) return oneOf(values.map((value) => html`<code>${JSON.stringify(value)}</code>`));
  if (variants(schema).length > 1) return oneOf(variants(schema).map(typeOf));
  if (Array.isArray(schema['allOf']))
    return html`${separated(schemas(schema['allOf']).map(typeOf), ' and ')}`;
  if (Array.isArray(type)) return oneOf(type.map((one) => typeOf({ ...schema, type: one })));
  if (type === 'array') return html`list of ${typeOf(object(schema['items']))}`;
  if (type === 'object' && isObject(additionalProperties) && Object.keys(additionalProperties).length > 0) {
    return html`map of ${typeOf(additionalProperties)}`;
  }
  if (type === 'string' && typeof format === 'string') return html`${format}`;
  return html`${typeof type === 'string' ? type : 'anything'}`;
}

const limits: Record<string, [before: string, after?: string]> = {
  default: ['default'],
  minimum: ['at least'],
  maximum: ['at most'],
  minItems: ['at least'],
  maxItems: ['at most', ' items'],
  minLength: ['at least'],
  maxLength: ['at most', ' characters'],
  pattern: ['pattern'],
};

function limitsOf(schema: JsonObject): Part {
  const said = Object.entries(limits).flatMap(([keyword, [before, after]]) => {
    const value = schema[keyword];
    if (value === undefined || value === null) return [];
    return [
      html`${before} <code>${typeof value === 'string' ? value : JSON.stringify(value)}</code>${after}`,
    ];
  });
  return said.length > 0 && html`<small>${separated(said, ', ')}</small>`;
}

export function linkTo(reference: string): Html {
  const name = reference.split('/').at(-1) ?? '';
  return html`<a href="#schema-${name}">${name}</a>`;
}

function variants(schema: JsonObject): JsonObject[] {
  const of = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(of) ? schemas(of) : [schema];
}

function oneOf(parts: Html[]): Html {
  return html`${separated(parts, ' | ')}`;
}

function separated(parts: Html[], by: string): Part[] {
  return parts.map((part, i) => [i > 0 && by, part]);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function objects(value: Json | undefined): Record<string, JsonObject> {
  return object(value) as Record<string, JsonObject>;
}

function schemas(values: Json[]): JsonObject[] {
  return values.filter(isObject);
}

function texts(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
