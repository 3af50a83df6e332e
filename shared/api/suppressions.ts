import { z } from 'zod';

const phone = z.string().min(1).max(100);

/** Numbers never to be called: one as `phone`, or many as `phones`. */
export const suppress = z
  .strictObject({
    phone: phone.optional(),
    phones: z.array(phone).max(10_000).optional(),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .default('manual')
      .describe('Why; it is shown beside the number.'),
  })
  .refine((given) => given.phone !== undefined || (given.phones?.length ?? 0) > 0, {
    path: ['phone'],
    message: 'or phones must be given',
  });

export const suppression = z.object({ phone: z.string(), reason: z.string(), createdAt: z.iso.datetime() });
export type Suppression = z.infer<typeof suppression>;
