import { z } from 'zod';
import { instant } from './instant.js';

const minutes = z
  .number()
  .min(-1e9)
  .max(1e9)
  .nullable()
  .describe('Minutes of talk; null: no limit. Kept to the second, so that they may have a fraction.');
const country = z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code');

export const account = z.object({
  id: z.string(),
  name: z.string(),
  minutes: z.object({ balance: minutes, reserved: z.number() }),
  uniqueUsers: z.object({
    limit: z.int().nullable(),
    used: z.int(),
    periodEnd: z.iso.datetime().nullable(),
  }),
  maxConcurrent: z.int().nullable(),
  defaultCountry: z.string(),
});
export type Account = z.infer<typeof account>;

const name = z.string().trim().min(1).max(200);

/** What the root key may set of an account. */
export const patchAccount = z.strictObject({
  name: name.optional(),
  defaultCountry: country.optional(),
  minutes: z.strictObject({ balance: minutes.optional() }).optional(),
  uniqueUsers: z
    .strictObject({
      limit: z.int().min(0).max(2_000_000_000).nullable().optional(),
      periodEnd: instant.nullable().optional(),
    })
    .optional(),
  maxConcurrent: z.int().min(1).max(1_000_000).nullable().optional(),
});
export type PatchAccount = z.infer<typeof patchAccount>;

export const createAccount = patchAccount.extend({ name });

export const roles = ['admin', 'operator', 'viewer'] as const;
export type Role = (typeof roles)[number];

export const createKey = z.strictObject({ name, role: z.enum(roles) });

export const apiKey = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  createdAt: z.iso.datetime(),
});
export type ApiKey = z.infer<typeof apiKey>;

/** The secret is shown this once. */
export const createdKey = apiKey.extend({ key: z.string() });

/** `key` is an admin's of the new account, shown this once. */
export const createdAccount = z.object({ account, key: z.string() });
