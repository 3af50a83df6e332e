import { apiKey, createdKey, createKey, type ApiKey } from '@dialstream/shared/api/accounts.js';
import { makeSecret } from '@dialstream/shared/config.js';
import {
  addKey,
  listKeys,
  revokeKey,
  type Revocation,
  type StoredKey,
} from '@dialstream/shared/db/api-keys.js';
import { transaction } from '@dialstream/shared/db/pool.js';
import type { App, RouteParts } from '../app.js';
import { notFound, ProblemError } from '../problems.js';
import { byId, listOf, listQuery, pageOf } from './paging.js';

/** What an API key begins with, so that it is known for one wherever it turns up. */
export const keyPrefix = 'ds_';

const config = { role: 'admin' } as const;

const refusals = {
  root: 'The root key is ADMIN_KEY’s: change that and start again.',
  last_admin: 'The last admin key of an account cannot be deleted.',
} as const satisfies Partial<Record<Revocation, string>>;

export function addKeys(app: App, { pool, once }: RouteParts): void {
  app.get(
    '/keys',
    { config, schema: { querystring: listQuery, response: { 200: listOf(apiKey) } } },
    async ({ principal, query: { limit, cursor } }) => {
      const found = await listKeys(pool, principal.accountId, { after: cursor ?? null, limit: limit + 1 });
      return pageOf(found.map(shown), limit, ({ id }) => id);
    },
  );

  app.post(
    '/keys',
    { config, schema: { body: createKey, response: { 201: createdKey } } },
    (request, reply) =>
      once(request, reply, [], async (tx) => {
        const key = makeSecret(keyPrefix);
        const { accountId } = request.principal;
        const made = await addKey(tx, { accountId, secret: key, ...request.body });
        return { status: 201, body: { ...shown(made), key } };
      }),
  );

  app.delete('/keys/:id', { config, schema: { params: byId } }, async ({ principal, params }, reply) => {
    const outcome = await transaction(pool, (tx) => revokeKey(tx, principal.accountId, params.id));
    if (outcome === 'not_found') throw notFound('key');
    if (outcome !== 'revoked') throw new ProblemError('illegal_transition', refusals[outcome]);
    return reply.code(204).send();
  });
}

function shown({ id, name, role, createdAt }: StoredKey): ApiKey {
  return { id, name, role, createdAt };
}
