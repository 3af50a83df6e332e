import type { HttpAnswer, HttpOperation, OpenApiDocument, Parameter, Reference } from '../openapi-shapes.js';
import type { Json, JsonObject } from '../schemas.js';
import { example, html, phrase, prose, type Html, type Part } from './html.js';
import { schemaTable, typeOf } from './schema-table.js';

interface ShownOperation {
  method: string;
  path: string;
  operation: HttpOperation;
}

/** The operations by their tags. */
export function operationsByTag({ paths }: OpenApiDocument): Map<string, ShownOperation[]> {
  const byTag = new Map<string, ShownOperation[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? '';
      byTag.set(tag, [...(byTag.get(tag) ?? []), { method: method.toUpperCase(), path, operation }]);
    }
  }
  return byTag;
}

export function operationsSection(document: OpenApiDocument): Html {
  return html`<section id="http">
    <h2>HTTP</h2>
    ${prose(document.info.description)}
    ${[...operationsByTag(document)].map(
      ([tag, operations]) =>
        html`<section id="http-${tag}">
          <h3>${tag}</h3>
          ${operations.map((shown) => operationDetails(shown, document))}
        </section>`,
    )}
  </section>`;
}

function operationDetails({ method, path, operation }: ShownOperation, document: OpenApiDocument): Html {
  const { operationId, summary, description } = operation;
  return html`<details>
    <summary>
      <span class="method" data-method="${method}">${method}</span> <code>${path}</code>
      <span>${phrase(summary)}</span>
    </summary>
    <div id="operation-${operationId}" data-operation="${operationId}">
      ${prose(description)} ${parametersTable(operation, document)} ${requestBody(operation, document)}
      ${answersTable(operation, document)}
    </div>
  </details>`;
}

function parametersTable({ parameters }: HttpOperation, { components }: OpenApiDocument): Part {
  if (parameters.length === 0) return null;
  const shown = parameters.map((one) => resolved<Parameter>(one, components.parameters));
  return html`<h4>Parameters</h4>
    ${schemaTable({
      type: 'object',
      properties: Object.fromEntries(
        shown.map(({ name, schema, description }) => [
          name,
          { ...schema, ...(description && { description }) },
        ]),
      ) as Record<string, JsonObject>,
      required: shown.filter(({ required }) => required).map(({ name }) => name),
    })}`;
}

function requestBody(operation: HttpOperation, { components }: OpenApiDocument): Part {
  const schema = schemaIn(operation['requestBody']);
  if (!schema) return null;
  const named = typeof schema['$ref'] === 'string' ? components.schemas[nameIn(schema['$ref'])] : undefined;
  const examples = Array.isArray(named?.['examples']) ? named['examples'] : [];
  return html`<h4>Body</h4>
    ${named ? html`<p>${typeOf(schema)}</p>` : schemaTable(schema)} ${examples.map(example)}`;
}

function answersTable({ responses }: HttpOperation, { components }: OpenApiDocument): Html {
  return html`<h4>Answers</h4>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Status</th>
            <th>Meaning</th>
            <th>Body</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(responses).map(([status, answer]) => {
            const { description, content } = resolved<HttpAnswer>(answer, components.responses);
            return html`<tr>
              <td><code>${status}</code></td>
              <td>${prose(description)}</td>
              <td>${Object.values(content).map(({ schema }) => typeOrTable(schema))}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
}

/** A component as a link, a list of them as such; another object by its fields. */
function typeOrTable(schema: JsonObject): Html {
  const properties = schema['properties'] as Record<string, JsonObject> | undefined;
  if (!properties) return typeOf(schema);
  return html`${Object.entries(properties).map(
    ([name, property]) => html`<div><code>${name}</code>: ${typeOf(property)}</div>`,
  )}`;
}

function resolved<One extends JsonObject>(one: One | Reference, components: Record<string, One>): One {
  if (typeof one['$ref'] !== 'string') return one as One;
  const found = components[nameIn(one['$ref'])];
  if (!found) throw new Error(`${one['$ref']} leads nowhere`);
  return found;
}

function nameIn(reference: string): string {
  return reference.split('/').at(-1) ?? '';
}

function schemaIn(body: Json | undefined): JsonObject | null {
  const { content } = (body ?? {}) as { content?: Record<string, { schema: JsonObject }> };
  return content ? (Object.values(content)[0]?.schema ?? null) : null;
}
