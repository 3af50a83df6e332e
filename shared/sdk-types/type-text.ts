/** The part of JSON Schema that zod writes for our schemas. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

export interface TypeTextOptions {
  /** The name of a union of literals that has one; undefined for others. */
  nameOfEnum: (values: readonly unknown[]) => string | undefined;
  /** Whether ranges and defaults are told: for what is sent. What is received may be taken as it is. */
  isSent: boolean;
}

/** A JSON Schema as the text of a TypeScript type. Throws on what it does not know. */
export function typeText(schema: JsonSchema, options: TypeTextOptions, indent = ''): string {
  const inner = (one: JsonSchema): string => typeText(one, options, indent);
  if (schema.$ref !== undefined) return schema.$ref;
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return options.nameOfEnum(schema.enum) ?? union(schema.enum.map(literal));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return union(choices.map(inner));
  if (schema.allOf !== undefined) return schema.allOf.map(inner).join(' & ');
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => inner({ ...schema, type })));
  switch (schema.type) {
    case undefined:
      return 'unknown';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array': {
      const item = inner(schema.items ?? {});
      return /[|&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return objectText(schema, options, indent);
    default:
      throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
  }
}

function objectText(schema: JsonSchema, options: TypeTextOptions, indent: string): string {
  if (schema.properties === undefined) return recordText(schema, options, indent);
  const required = new Set(schema.required);
  const deeper = `${indent}  `;
  const lines = Object.entries(schema.properties).flatMap(([name, property]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`;
    const doc = docText(property, options);
    return [
      ...(doc === '' ? [] : [`${deeper}/** ${doc} */`]),
      `${deeper}${key}${required.has(name) ? '' : '?'}: ${typeText(property, options, deeper)};`,
    ];
  });
  return ['{', ...lines, `${indent}}`].join('\n');
}

function recordText(schema: JsonSchema, options: TypeTextOptions, indent: string): string {
  const { additionalProperties: values, propertyNames: names } = schema;
  const value = typeof values === 'object' ? typeText(values, options, indent) : 'unknown';
  if (names?.enum === undefined) return `Record<string, ${value}>`;
  return `Partial<Record<${typeText(names, options, indent)}, ${value}>>`;
}

/** What a property's type does not tell: its description, and what may be sent. */
function docText(schema: JsonSchema, { isSent }: TypeTextOptions): string {
  const told = isSent ? [rangeText(schema), defaultText(schema)].filter(Boolean).join('; ') : '';
  const sentence = told && `${told.charAt(0).toUpperCase()}${told.slice(1)}.`;
  return [schema.description, sentence].filter(Boolean).join(' ');
}

function rangeText(schema: JsonSchema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const part = schema.anyOf?.find(({ type }) => type !== 'null');
  if (part !== undefined) return rangeText(part);
  return (
    between(minimum, maximum, '') ||
    between(minLength, maxLength, ' characters') ||
    between(minItems, maxItems, '')
  );
}

function between(least: number | undefined, most: number | undefined, what: string): string {
  const from = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : number(least);
  const to = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : number(most);
  if (from === undefined) return to === undefined ? '' : `${to}${what} at most`;
  return to === undefined ? `${from}${what} at least` : `${from} to ${to}${what}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function defaultText({ default: value }: JsonSchema): string {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return '';
  return `${literal(value)} when left out`;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function union(types: string[]): string {
  return [...new Set(types)].join(' | ');
}
