import { patchBody } from '@dialstream/shared/api/patch.js';
import { trunk, trunkSettings, type Trunk } from '@dialstream/shared/api/trunks.js';
import type { Db } from '@dialstream/shared/db/pool.js';
import {
  deleteTrunk,
  findTrunk,
  listTrunks,
  saveTrunk,
  type StoredTrunk,
} from '@dialstream/shared/db/trunks.js';
import type { App, RouteParts } from '../app.js';
import { notFound } from '../problems.js';
import { byId, listOf, listQuery, pageOf } from './paging.js';
import { patched, pick } from './parsing.js';

export function addTrunks(app: App, { pool, outbox, once }: RouteParts): void {
  app.get(
    '/trunks',
    { schema: { querystring: listQuery, response: { 200: listOf(trunk) } } },
    async ({ principal, query: { limit, cursor } }) => {
      const found = await listTrunks(pool, principal.accountId, cursor, limit + 1);
      return pageOf(found.map(shown), limit, ({ id }) => id);
    },
  );

  app.post('/trunks', { schema: { body: trunkSettings, response: { 201: trunk } } }, (request, reply) =>
    once(request, reply, [], async (tx) => ({
      status: 201,
      body: shown(await saveTrunk(tx, request.principal.accountId, request.body)),
    })),
  );

  app.get(
    '/trunks/:id',
    { schema: { params: byId, response: { 200: trunk } } },
    async ({ principal, params }) => shown(await existing(pool, principal.accountId, params.id)),
  );

  app.patch(
    '/trunks/:id',
    { schema: { params: byId, body: patchBody, response: { 200: trunk } } },
    async ({ principal: { accountId }, params: { id }, body }) =>
      // The account's scope lets one change at a time through, so that two patches both count.
      outbox.change([accountId], async (tx) => {
        const before = await existing(tx, accountId, id);
        const settings = patched(trunkSettings, pick(trunkSettings, before), body);
        return shown(await saveTrunk(tx, accountId, settings, id));
      }),
  );

  app.delete('/trunks/:id', { schema: { params: byId } }, async ({ principal, params: { id } }, reply) => {
    if (!(await deleteTrunk(pool, principal.accountId, id))) throw notFound('trunk');
    return reply.code(204).send();
  });
}

async function existing(db: Db, accountId: string, id: string): Promise<StoredTrunk> {
  const found = await findTrunk(db, accountId, id);
  if (found === null) throw notFound('trunk');
  return found;
}

/** The password is never given back. */
function shown({ password: _password, accountId: _accountId, ...rest }: StoredTrunk): Trunk {
  return rest;
}
