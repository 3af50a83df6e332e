import type { Refusal } from '@dialstream/shared/db/campaign-changes.js';
import { z } from 'zod';

/** Everything a request can be answered with instead of what it asked for. */
export const kinds = {
  bad_request: { status: 400, title: 'Bad request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  illegal_transition: { status: 409, title: 'Not possible in this status' },
  version_mismatch: { status: 409, title: 'Changed meanwhile' },
  out_of_minutes: { status: 409, title: 'Out of minutes' },
  system_failure: { status: 409, title: 'Something needed is down' },
  too_large: { status: 413, title: 'Too large' },
  invalid: { status: 422, title: 'Invalid' },
  idempotency_mismatch: { status: 422, title: 'Idempotency key used for something else' },
  upgrade_required: { status: 426, title: 'Upgrade required' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Not available right now' },
} as const;

export type ProblemCode = keyof typeof kinds;

/** What is wrong with one field; `path` is like `calls[3].phone`. */
export const fault = z.object({ path: z.string(), message: z.string() });
export type Fault = z.infer<typeof fault>;

/** RFC 9457, `application/problem+json`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  errors: z.array(fault).optional(),
});
export type Problem = z.infer<typeof problem>;

export const problemType = 'application/problem+json';

interface MoreOfProblem {
  errors?: Fault[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** A request that is refused; thrown by routes and answered as a problem. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly code: ProblemCode;
  /** Named so because Fastify reads it, too, and sets it: no getter, therefore. */
  readonly statusCode: number;
  readonly errors: Fault[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, detail: string, more: MoreOfProblem = {}) {
    super(detail, { cause: more.cause });
    this.code = code;
    this.statusCode = kinds[code].status;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  toProblem(): Problem {
    const { status, title } = kinds[this.code];
    return {
      type: `urn:dialstream:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      ...(this.errors && { errors: this.errors }),
    };
  }
}

/** Also said of what belongs to another account. */
export function notFound(what: string): ProblemError {
  return new ProblemError('not_found', `There is no such ${what}.`);
}

export function noSuchAddress(): ProblemError {
  return new ProblemError('not_found', 'There is nothing at this address.');
}

export function invalid(errors: Fault[]): ProblemError {
  const [first] = errors;
  const detail = first && errors.length === 1 ? `${first.path}: ${first.message}` : `${errors.length} faults`;
  return new ProblemError('invalid', detail, { errors });
}

/** Gives the outcome of a change, or throws why it was refused. */
export function accepted<Outcome extends object>(outcome: Outcome | Refusal): Outcome {
  if ('refused' in outcome) throw new ProblemError(outcome.refused, outcome.detail);
  return outcome;
}

/** Faults that an answer names at most, and characters of a name in a path: it is not to outgrow its question. */
const namedFaults = 10_000;
const namedCharacters = 200;

/** The faults that a schema found. An unknown field is named itself, not the object it stands in. */
export function faultsOf({ issues }: z.core.$ZodError): Fault[] {
  const faults = issues.slice(0, namedFaults).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.slice(0, namedFaults).map((key) => ({
          path: pathText([...issue.path, key]),
          message: 'is not a known field',
        }))
      : [{ path: pathText(issue.path), message: issue.message }],
  );
  return faults.slice(0, namedFaults);
}

export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    text +=
      typeof step === 'number' ? `[${step}]` : `${text && '.'}${String(step).slice(0, namedCharacters)}`;
  }
  return text || 'body';
}
