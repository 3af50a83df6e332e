import { kinds, problemType, type ProblemCode } from '../problems.js';
import { asList, connectMeanings, problemMeanings } from './codes.js';
import type { HttpAnswer, HttpOperation } from './openapi-shapes.js';
import type { OperationText } from './operations.js';
import type { DocumentedRoute } from './routes.js';
import { referenceTo } from './schemas.js';

/** Codes of which no more is to be said at a route than that it may answer with them. */
const commonCodes = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'too_large',
  'rate_limited',
  'internal',
] as const satisfies ProblemCode[];

/** The components that `problemAnswers` refers to. */
export function commonAnswers(): Record<string, HttpAnswer> {
  return Object.fromEntries(commonCodes.map((code) => [code, answerWith([code])]));
}

/** What a route may answer instead of what it is asked for, by status. */
export function problemAnswers(route: DocumentedRoute, text: OperationText): HttpOperation['responses'] {
  if (text.upgrades) return refusedUpgrades();
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codesOf(route, text)) {
    const { status } = kinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const [only] = codes;
      const isCommon = codes.length === 1 && commonCodes.some((code) => code === only);
      return [status, isCommon ? { $ref: `#/components/responses/${only}` } : answerWith(codes)];
    }),
  );
}

/** Why a WebSocket is not opened; 426 and 500 only come without an upgrade. */
function refusedUpgrades(): HttpOperation['responses'] {
  const refused = Object.entries(connectMeanings).map(([code, { status, meaning }]): [number, HttpAnswer] => [
    status,
    problemAnswer({ [code]: meaning }),
  ]);
  return {
    ...Object.fromEntries(refused),
    [kinds.upgrade_required.status]: answerWith(['upgrade_required']),
    [kinds.internal.status]: { $ref: '#/components/responses/internal' },
  };
}

function codesOf(route: DocumentedRoute, { refuses = [], ifMatch }: OperationText): Set<ProblemCode> {
  if (route.role === null) return new Set();
  const isKept = route.method === 'POST';
  const codes: (ProblemCode | false)[] = [
    (route.body !== undefined || isKept) && 'bad_request',
    'unauthorized',
    route.role !== 'viewer' && 'forbidden',
    route.params !== undefined && 'not_found',
    ...refuses,
    ifMatch === true && 'version_mismatch',
    route.body !== undefined && 'too_large',
    (route.body ?? route.query) !== undefined && 'invalid',
    isKept && 'idempotency_mismatch',
    'rate_limited',
    'internal',
  ];
  return new Set(codes.filter((code) => code !== false));
}

function answerWith(codes: readonly ProblemCode[]): HttpAnswer {
  const tellsToWait = codes.some((code) => code === 'rate_limited' || code === 'internal');
  return {
    ...problemAnswer(Object.fromEntries(codes.map((code) => [code, problemMeanings[code]]))),
    ...(tellsToWait && {
      headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
    }),
  };
}

function problemAnswer(meanings: Record<string, string>): HttpAnswer {
  return {
    description: asList(meanings),
    content: { [problemType]: { schema: { $ref: referenceTo('Problem') } } },
  };
}
