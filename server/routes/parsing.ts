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
      // Fastify gives null to the schemas when there is no body, too.
      if (body === null) faults.push({ path: pathText([]), message: 'is null' });
      findUnstorable(body, [], faults);
      done(faults.length > 0 ? invalid(faults) : null, body);
    });
  });
}

/** Collects up to ten places of what no column can hold. `path` is that of the value, and the same afterwards. */
function findUnstorable(value: unknown, path: PropertyKey[], faults: Fault[]): void {
  if (faults.length >= 10) return;
  const fail = (message: string) => void faults.push({ path: pathText(path), message });
  if (typeof value === 'string' && unstorable.test(value)) fail('has characters that are none');
  if (typeof value !== 'object' || value === null) return;
  if (path.length >= deepest) return fail(`is nested deeper than ${deepest} levels`);
  // Bodies may have millions of values: nothing is made for each.
  const visit = (inner: unknown, step: PropertyKey): void => {
    path.push(step);
    findUnstorable(inner, path, faults);
    path.pop();
  };
  if (Array.isArray(value)) return value.forEach(visit);
  for (const key in value) {
    if (unstorable.test(key)) fail('has a name that is none');
    visit((value as Record<string, unknown>)[key], key);
  }
}
