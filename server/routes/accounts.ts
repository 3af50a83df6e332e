import { getCountries } from 'libphonenumber-js';
import { v7 as uuidv7 } from 'uuid';
import {
  account,
  createAccount,
  createdAccount,
  patchAccount,
  type Account,
  type PatchAccount,
} from '@dialstream/shared/api/accounts.js';
import { makeSecret } from '@dialstream/shared/config.js';
import { addAccount, changeAccount, listAccounts, readAccount } from '@dialstream/shared/db/accounts.js';
import { addKey } from '@dialstream/shared/db/api-keys.js';
import type { AccountLimits } from '@dialstream/shared/events/contract.js';
import { systemEvent, type Outbox } from '@dialstream/shared/events/outbox.js';
import type { App, RouteParts } from '../app.js';
import { invalid, notFound, ProblemError } from '../problems.js';
import { isAllowed } from './access.js';
import { keyPrefix } from './keys.js';
import { byId, listOf, listQuery, pageOf } from './paging.js';

const config = { role: 'root' } as const;
const countries = new Set<string>(getCountries());

export function addAccounts(app: App, parts: RouteParts): void {
  const { pool, outbox } = parts;

  app.get('/account', { schema: { response: { 200: account } } }, async ({ principal }) => {
    const found = await readAccount(pool, principal.accountId);
    if (found === null) throw notFound('account');
    return found;
  });

  app.patch(
    '/account',
    { schema: { body: patchAccount, response: { 200: account } } },
    async ({ principal, body }) => {
      if (limitsNamedIn(body).length > 0 && !isAllowed(principal, 'root')) {
        throw new ProblemError('forbidden', 'Minutes and limits are changed with the root key only.');
      }
      return change(outbox, principal.accountId, body);
    },
  );

  addAllAccounts(app, parts);
}

/** For the root key only. */
function addAllAccounts(app: App, { pool, outbox, once }: RouteParts): void {
  app.get(
    '/accounts',
    { config, schema: { querystring: listQuery, response: { 200: listOf(account) } } },
    async ({ query: { limit, cursor } }) => {
      const found = await listAccounts(pool, { after: cursor ?? null, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => id);
    },
  );

  app.post(
    '/accounts',
    { config, schema: { body: createAccount, response: { 201: createdAccount } } },
    (request, reply) =>
      once(request, reply, [], async (tx, _emit, open) => {
        checkCountry(request.body);
        const id = uuidv7();
        await addAccount(tx, id, request.body.name);
        await open(id);
        const created = await changeAccount(tx, id, request.body);
        if (created === null) throw notFound('account');
        const key = makeSecret(keyPrefix);
        await addKey(tx, { accountId: id, name: 'Admin', role: 'admin', secret: key });
        return { status: 201, body: { account: created, key } };
      }),
  );

  app.patch(
    '/accounts/:id',
    { config, schema: { params: byId, body: patchAccount, response: { 200: account } } },
    async ({ params, body }) => change(outbox, params.id, body),
  );
}

async function change(outbox: Outbox, id: string, body: PatchAccount): Promise<Account> {
  checkCountry(body);
  return outbox.change([id], async (tx, emit) => {
    const changed = await changeAccount(tx, id, body);
    if (changed === null) throw notFound('account');
    for (const limit of limitsNamedIn(body)) {
      const data = { accountId: id, limit, account: limitsOf(changed) };
      emit(systemEvent(id, id, { type: 'account.limit_changed', data }));
    }
    return changed;
  });
}

function limitsOf({
  id,
  name,
  minutes,
  uniqueUsers: { limit, used },
  maxConcurrent,
}: Account): AccountLimits {
  return { id, name, minutes, uniqueUsers: { limit, used }, maxConcurrent };
}

function limitsNamedIn({ minutes, uniqueUsers, maxConcurrent }: PatchAccount): string[] {
  return Object.entries({ minutes, uniqueUsers, maxConcurrent }).flatMap(([limit, value]) =>
    value === undefined ? [] : [limit],
  );
}

function checkCountry({ defaultCountry }: PatchAccount): void {
  if (defaultCountry === undefined || countries.has(defaultCountry)) return;
  throw invalid([{ path: 'defaultCountry', message: 'has no phone numbers' }]);
}
