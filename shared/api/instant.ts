import { z } from 'zod';

/**
 * A point in time with its offset, given as ISO 8601 in UTC with milliseconds. Its year has four digits
 * there, and is none of Postgres's faults: that knows no year 0 and only offsets below 16 hours.
 */
export const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .refine((text) => /^(?!0000)\d{4}-/.test(text), 'must be in the years 1 to 9999')
  // Says in the documents what comes out.
  .pipe(z.string().meta({ format: 'date-time' }));
