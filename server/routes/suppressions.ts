import { z } from 'zod';
import { suppress, suppression } from '@dialstream/shared/api/suppressions.js';
import { readDefaultCountry } from '@dialstream/shared/db/accounts.js';
import {
  addSuppressions as insert,
  listSuppressions,
  removeSuppression,
} from '@dialstream/shared/db/suppressions.js';
import { e164 } from '@dialstream/shared/domain/campaign.js';
import type { App, RouteParts } from '../app.js';
import { invalid, notFound } from '../problems.js';
import { listOf, listQuery, pageOf } from './paging.js';
import { readPhone, readPhones } from './phones.js';

const filter = listQuery.extend({ cursor: e164.optional() });
const byPhone = z.object({ phone: z.string().min(1) });

export function addSuppressions(app: App, { pool, once }: RouteParts): void {
  app.get(
    '/suppressions',
    { schema: { querystring: filter, response: { 200: listOf(suppression) } } },
    async ({ principal, query: { limit, cursor: after } }) => {
      const found = await listSuppressions(pool, principal.accountId, { after, limit: limit + 1 });
      return pageOf(found, limit, ({ phone }) => phone);
    },
  );

  app.post(
    '/suppressions',
    { schema: { body: suppress, response: { 201: z.object({ items: z.array(suppression) }) } } },
    async (request, reply) => {
      const { accountId } = request.principal;
      const { reason } = request.body;
      const phones = await numbersOf(request.body, await readDefaultCountry(pool, accountId));
      return once(request, reply, [], async (tx) => ({
        status: 201,
        body: { items: await insert(tx, accountId, { phones, reason }) },
      }));
    },
  );

  const remove = async (accountId: string, text: string): Promise<void> => {
    const phone = readPhone(text, await readDefaultCountry(pool, accountId));
    if (phone === null || !(await removeSuppression(pool, accountId, phone))) throw notFound('suppression');
  };
  app.delete(
    '/suppressions/:phone',
    { schema: { params: byPhone } },
    async ({ principal, params }, reply) => {
      await remove(principal.accountId, params.phone);
      return reply.code(204).send();
    },
  );
  // For callers to whom a + in a path is one too many to escape.
  app.delete('/suppressions', { schema: { body: byPhone.strict() } }, async ({ principal, body }, reply) => {
    await remove(principal.accountId, body.phone);
    return reply.code(204).send();
  });
}

/** All must be numbers: nobody should think one is never called because it was misspelt here. */
async function numbersOf(
  { phone, phones = [] }: z.infer<typeof suppress>,
  country: string,
): Promise<string[]> {
  const given = [
    ...(phone === undefined ? [] : [{ path: 'phone', text: phone }]),
    ...phones.map((text, index) => ({ path: `phones[${index}]`, text })),
  ];
  const read = await readPhones(
    given.map(({ text }) => text),
    country,
  );
  const faults = given.filter((_, index) => read[index] === null);
  if (faults.length > 0) throw invalid(faults.map(({ path }) => ({ path, message: 'is no phone number' })));
  return read.filter((number) => number !== null);
}
