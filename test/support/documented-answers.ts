import type { HttpAnswer, OpenApiDocument } from '@dialstream/server/documents/openapi-shapes.js';
import { schemasOf, withoutMore, type Faults } from './json-schemas.js';

/** An answer of the server to one request. */
export interface GivenAnswer {
  status: number;
  body: unknown;
  headers: Record<string, unknown>;
}

/** Holds answers against an OpenAPI document, and knows which operations were asked. */
export class DocumentedAnswers {
  /** By operation: the statuses that it answered with. */
  readonly seen = new Map<string, Set<number>>();
  readonly #faultsOf: (schema: object) => Faults;

  constructor(private readonly document: OpenApiDocument) {
    this.#faultsOf = schemasOf(withoutMore(document), '2020-12');
  }

  /** What the document does not say of an answer; a field that it does not have counts too. */
  faults(method: string, url: string, answer: GivenAnswer): string[] {
    const path = this.#pathOf(url);
    const operation = this.document.paths[path]?.[method.toLowerCase()];
    if (!operation) return [`no operation for ${method} ${url}`];
    const statuses = this.seen.get(operation.operationId) ?? new Set();
    this.seen.set(operation.operationId, statuses.add(answer.status));
    const documented = operation.responses[answer.status];
    if (!documented) return [`${operation.operationId} has no ${answer.status}`];
    return this.#faultsOfBody(this.#resolved(documented), answer);
  }

  #faultsOfBody({ content }: HttpAnswer, { body, headers }: GivenAnswer): string[] {
    const type = headers['content-type'];
    const given = typeof type === 'string' ? (type.split(';')[0] ?? '') : 'none';
    if (Object.keys(content).length === 0) return body === '' ? [] : ['a body where none is documented'];
    const schema = content[given]?.schema;
    return schema ? this.#faultsOf(withoutMore(schema))(body) : [`no content type "${given}"`];
  }

  #resolved(answer: HttpAnswer | { $ref: string }): HttpAnswer {
    if (!('$ref' in answer) || typeof answer.$ref !== 'string') return answer as HttpAnswer;
    const found = this.document.components.responses[answer.$ref.split('/').at(-1) ?? ''];
    if (!found) throw new Error(`${answer.$ref} leads nowhere`);
    return found;
  }

  /** The documented path of an address; `/v1/calls/{id}` of `/v1/calls/17`. */
  #pathOf(url: string): string {
    const steps = (url.split('?')[0] ?? '').split('/');
    const fits = (path: string): boolean => {
      const wanted = path.split('/');
      return (
        wanted.length === steps.length && wanted.every((step, i) => step.startsWith('{') || step === steps[i])
      );
    };
    const paths = Object.keys(this.document.paths).filter(fits);
    return paths.find((path) => !path.includes('{')) ?? paths[0] ?? '';
  }
}
