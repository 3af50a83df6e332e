import { z } from 'zod';
import {
  addCalls,
  addedCalls,
  call,
  callsToCancel,
  callWithAttempts,
  cancelledCalls,
} from '@dialstream/shared/api/calls.js';
import { readDefaultCountry } from '@dialstream/shared/db/accounts.js';
import { addCalls as insertCalls, cancelCalls, type CallToAdd } from '@dialstream/shared/db/call-changes.js';
import { findCall, listCalls } from '@dialstream/shared/db/calls.js';
import { emitCounts, finishWhenDone } from '@dialstream/shared/db/campaign-changes.js';
import { findCampaign } from '@dialstream/shared/db/campaigns.js';
import type { Db } from '@dialstream/shared/db/pool.js';
import { callStatuses, type CampaignStatus } from '@dialstream/shared/domain/status.js';
import type { App, RouteParts } from '../app.js';
import { notFound, ProblemError } from '../problems.js';
import { byId, commaList, listOf, listQuery, pageOf } from './paging.js';
import { readPhones } from './phones.js';

const filter = listQuery.extend({
  status: commaList(callStatuses).optional(),
  q: z
    .string()
    .max(100)
    .transform((text) => text.replaceAll(/\D/g, ''))
    .refine((digits) => digits !== '', 'must have a digit')
    .optional()
    .describe('Digits that the phone holds.'),
});

const config = { role: 'operator' } as const;

export function addCallRoutes(app: App, parts: RouteParts): void {
  addReading(app, parts);
  const { pool, once } = parts;

  app.post(
    '/campaigns/:id/calls',
    { config, schema: { params: byId, body: addCalls, response: { 201: addedCalls } } },
    async (request, reply) => {
      const { accountId } = request.principal;
      const campaignId = request.params.id;
      const calls = await withNumbers(pool, accountId, request.body.calls);
      return once(request, reply, [campaignId], async (tx, emit) => {
        if ((await statusOf(tx, accountId, campaignId)) === 'finished') {
          throw new ProblemError('illegal_transition', 'A finished campaign takes no more calls.');
        }
        const body = await insertCalls(tx, { accountId, campaignId }, calls);
        if (body.accepted + body.invalid > 0) await emitCounts(tx, emit, campaignId);
        // None of them may be one to dial.
        await finishWhenDone(tx, emit, campaignId);
        return { status: 201, body };
      });
    },
  );

  app.post(
    '/campaigns/:id/calls/cancel',
    { config, schema: { params: byId, body: callsToCancel, response: { 200: cancelledCalls } } },
    async (request, reply) => {
      const { accountId } = request.principal;
      const campaignId = request.params.id;
      const { ids, phones: texts } = request.body;
      const phones = await readPhones(texts, await readDefaultCountry(pool, accountId));
      const which = { ids, phones: phones.filter((phone) => phone !== null) };
      return once(request, reply, [campaignId], async (tx, emit) => {
        await statusOf(tx, accountId, campaignId);
        const cancelled = await cancelCalls(tx, emit, { accountId, campaignId }, which);
        if (cancelled > 0) await emitCounts(tx, emit, campaignId);
        await finishWhenDone(tx, emit, campaignId);
        return { status: 200, body: { cancelled } };
      });
    },
  );
}

function addReading(app: App, { pool }: RouteParts): void {
  app.get(
    '/campaigns/:id/calls',
    { schema: { params: byId, querystring: filter, response: { 200: listOf(call) } } },
    async ({ principal, params: { id: campaignId }, query }) => {
      await statusOf(pool, principal.accountId, campaignId);
      const { limit, cursor: after, status: statuses, q: digits } = query;
      const found = await listCalls(pool, { campaignId, statuses, digits, after, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => id);
    },
  );

  app.get(
    '/calls/:id',
    { schema: { params: byId, response: { 200: callWithAttempts } } },
    async ({ principal, params: { id } }) => {
      const found = await findCall(pool, principal.accountId, id);
      if (found === null) throw notFound('call');
      return found;
    },
  );
}

async function withNumbers(
  db: Db,
  accountId: string,
  calls: z.infer<typeof addCalls>['calls'],
): Promise<CallToAdd[]> {
  const country = await readDefaultCountry(db, accountId);
  const phones = await readPhones(
    calls.map(({ phone }) => phone),
    country,
  );
  return calls.map((call, index) => ({ ...call, e164: phones[index] ?? null }));
}

/** Throws when the account has no such campaign. */
async function statusOf(db: Db, accountId: string, campaignId: string): Promise<CampaignStatus> {
  const campaign = await findCampaign(db, accountId, campaignId);
  if (campaign === null) throw notFound('campaign');
  return campaign.status;
}
