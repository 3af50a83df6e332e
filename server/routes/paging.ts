import { z } from 'zod';

/** What every list takes. */
export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .uuid('is not a cursor that was given')
    .optional()
    .describe('The `nextCursor` of the page before.'),
});

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('Null: this is the last page.'),
  });

/** `a,b` → the values in the order given. */
export const commaList = <const Value extends string>(values: readonly Value[]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(values)))
    .describe(`Any of these, separated by commas: ${values.map((value) => `\`${value}\``).join(', ')}.`);

/** A page out of rows of which one more was read than it may hold. */
export function pageOf<Item>(
  rows: Item[],
  limit: number,
  cursorOf: (item: Item) => string,
): { items: Item[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

export const byId = z.object({ id: z.uuid() });
