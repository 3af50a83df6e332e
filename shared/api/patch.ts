import { z } from 'zod';

/** The body of a PATCH: any part of the settings. Only what is named changes. */
export const patchBody = z.record(z.string(), z.unknown());

/**
 * The settings after a patch, checked as a whole, so that a wrong field is named by its path.
 * Objects (schedule, retry, pacing) are merged one level deep; lists and `bot` are replaced.
 * Throws a ZodError.
 */
export function patchSettings<Settings extends object>(
  schema: z.ZodType<Settings>,
  current: Settings,
  patch: z.infer<typeof patchBody>,
): Settings {
  const merged = { ...current } as Record<string, unknown>;
  for (const [name, value] of Object.entries(patch)) {
    const before = merged[name];
    merged[name] = name !== 'bot' && isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return schema.parse(merged);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
