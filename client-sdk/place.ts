import type { Cursor, Head } from './generated/types.js';

/** Whether something is a place in a topic. */
export function isPlace(value: unknown): value is Head {
  const { epoch, seq } = (value ?? {}) as Partial<Head>;
  return typeof epoch === 'string' && Number.isSafeInteger(seq);
}

export function isSamePlace(a: Cursor | null, b: Cursor | null): boolean {
  return a?.epoch === b?.epoch && a?.seq === b?.seq;
}
