/** What is wrong with one field; `path` is like `calls[3].phone`. */
export interface Fault {
  path: string;
  message: string;
}

/** What an {@link ApiError} is made of. */
export interface ApiProblem {
  /** HTTP status; 0: there was no answer. */
  status: number;
  /**
   * The server's own, such as `invalid` or `version_mismatch`. Without an answer: `timeout`, `unreachable` or
   * `no_key` (none could be got). `unreadable`: the answer is not the server's, such as that of a proxy.
   */
  code: string;
  /** What happened, in words. */
  detail: string;
  /** Which fields are wrong, with the code `invalid`. */
  errors: readonly Fault[];
  /** When to try again, if the server has said so. */
  retryAfterSeconds: number | null;
}

/** A request that was refused, or that got no answer. */
export class ApiError extends Error implements ApiProblem {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly Fault[];
  readonly retryAfterSeconds: number | null;

  constructor(
    { status, code, detail, errors, retryAfterSeconds }: ApiProblem,
    options?: { cause?: unknown },
  ) {
    super(status === 0 ? `${code}: ${detail}` : `${status} ${code}: ${detail}`, options);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The error that an answer tells, which may be anything: proxies answer too. */
export function refusalOf({ status, headers }: Response, text: string): ApiError {
  const problem = parsedProblem(text);
  const seconds = /^\d{1,9}$/.exec(headers.get('retry-after') ?? '')?.[0];
  return new ApiError({
    status,
    code: problem?.code ?? 'unreadable',
    detail: problem?.detail ?? text.slice(0, 200),
    errors: problem?.errors ?? [],
    retryAfterSeconds: seconds === undefined ? null : Number(seconds),
  });
}

/** An error without an answer. */
export function noAnswer(
  code: 'timeout' | 'unreachable' | 'no_key',
  detail: string,
  cause: unknown,
): ApiError {
  return new ApiError({ status: 0, code, detail, errors: [], retryAfterSeconds: null }, { cause });
}

/** RFC 9457. */
function parsedProblem(text: string): Pick<ApiProblem, 'code' | 'detail' | 'errors'> | null {
  try {
    const { code, detail = '', errors } = (JSON.parse(text) ?? {}) as Partial<ApiProblem>;
    return typeof code === 'string' ? { code, detail, errors: Array.isArray(errors) ? errors : [] } : null;
  } catch {
    // Not ours: it is told as it came.
    return null;
  }
}
