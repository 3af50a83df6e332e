import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { patchSettings, type patchBody } from '@dialstream/shared/api/patch.js';
import { faultsOf, invalid, notFound, pathText, ProblemError, type Fault } from '../problems.js';

/** How deep a body may be nested; Postgres and JSON.stringify both have an end of their own. */
const deepest = 32;

/** Halves of surrogate pairs and the character 0: JSON has them, Postgres does not. */
// oxlint-disable-next-line no-control-regex
const unstorable = /[\0\p{Surrogate}]/u;

/** Schemas are zod's. A fault in the path's own parameters means that there is no such thing. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (given: unknown) => {
    const parsed = schema.safeParse(given ?? {});
    if (parsed.success) return { value: parsed.data };
    return { error: httpPart === 'params' ? notFound('thing') : invalid(faultsOf(parsed.error)) };
  };
};

/** The settings after a patch; faults are named by their paths. */
export function patched<Settings extends object>(
  schema: z.ZodType<Settings>,
  current: Settings,
  patch: z.infer<typeof patchBody>,
): Settings {
  try {
    return patchSettings(schema, current, patch);
  } catch (error) {
    if (error instanceof z.ZodError) throw invalid(faultsOf(error));
    throw error;
  }
}

/** Those properties of an object that a schema has. */
export function pick<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  source: Record<keyof Shape, unknown>,
): z.output<z.ZodObject<Shape>> {
  const names = Object.keys(schema.shape) as (keyof Shape)[];
  return Object.fromEntries(names.map((name) => [name, source[name]])) as z.output<z.ZodObject<Shape>>;
}

/** Answers are typed by their schemas, so that they need no second check. */
export const compileSerializer = () => (answer: unknown) => JSON.stringify(answer);

/** JSON bodies; an empty one counts as none. */
export function addJsonParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') return done(null, undefined);
    void parse(request, text.toString(), (error, body) => {
      if (error) {
        done(new ProblemError('bad_request', 'The body is not JSON.', { cause: error }));
        return;
      }
      const faults: Fault[] = [];
      findUnstorable(body, [], faults);
      done(faults.length > 0 ? invalid(faults) : null, body);
    });
  });
}

/** Collects up to ten places of what no column can hold. */
function findUnstorable(value: unknown, path: PropertyKey[], faults: Fault[]): void {
  if (faults.length >= 10) return;
  if (typeof value === 'string') {
    if (unstorable.test(value))
      faults.push({ path: pathText(path), message: 'has characters that are none' });
  } else if (typeof value === 'object' && value !== null) {
    if (path.length >= deepest) {
      faults.push({ path: pathText(path), message: `is nested deeper than ${deepest} levels` });
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const step = Array.isArray(value) ? Number(key) : key;
      if (unstorable.test(key)) faults.push({ path: pathText(path), message: 'has a name that is none' });
      findUnstorable(inner, [...path, step], faults);
    }
  }
}
