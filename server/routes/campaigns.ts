import { campaign, sentSettings, type Campaign } from '@dialstream/shared/api/campaigns.js';
import { patchBody } from '@dialstream/shared/api/patch.js';
import { changeCampaignStatus } from '@dialstream/shared/db/campaign-changes.js';
import {
  deleteCampaign,
  findCampaign,
  insertCampaign,
  listCampaigns,
  newCampaignId,
  updateCampaignSettings,
} from '@dialstream/shared/db/campaigns.js';
import type { Db, Tx } from '@dialstream/shared/db/pool.js';
import { ownTrunkIds } from '@dialstream/shared/db/trunks.js';
import { campaignStatuses } from '@dialstream/shared/domain/status.js';
import type { Emit } from '@dialstream/shared/events/outbox.js';
import type { z } from 'zod';
import type { App, RouteParts } from '../app.js';
import type { Principal } from '../principal.js';
import { accepted, invalid, notFound, ProblemError } from '../problems.js';
import { byId, commaList, listOf, listQuery, pageOf } from './paging.js';
import { patched, pick } from './parsing.js';
import { checkVersion, ifMatch } from './versions.js';

const filter = listQuery.extend({ status: commaList(campaignStatuses).optional() });
const mayChange = { role: 'operator' } as const;

export function addCampaigns(app: App, { pool, outbox, once }: RouteParts): void {
  app.post(
    '/campaigns',
    { config: mayChange, schema: { body: sentSettings, response: { 201: campaign } } },
    (request, reply) =>
      once(request, reply, [], async (tx, emit, open) => {
        const { accountId, name: actor } = request.principal;
        const settings = request.body;
        await checkTrunks(tx, accountId, settings.trunkIds);
        const id = newCampaignId();
        await open(id);
        await insertCampaign(tx, emit, { id, accountId, actor, settings });
        return { status: 201, body: await existing(tx, accountId, id) };
      }),
  );

  app.get(
    '/campaigns',
    { schema: { querystring: filter, response: { 200: listOf(campaign) } } },
    async ({ principal: { accountId }, query }) => {
      const { limit, cursor: before, status: statuses } = query;
      const found = await listCampaigns(pool, { accountId, statuses, before, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => id);
    },
  );

  app.get(
    '/campaigns/:id',
    { schema: { params: byId, response: { 200: campaign } } },
    async ({ principal, params: { id } }, reply) => {
      const found = await existing(pool, principal.accountId, id);
      return reply.header('etag', `"${found.version}"`).send(found);
    },
  );

  app.patch(
    '/campaigns/:id',
    { config: mayChange, schema: { params: byId, body: patchBody, response: { 200: campaign } } },
    async ({ principal: { accountId }, params: { id }, body: patch, headers }) =>
      outbox.change([id], (tx, emit) =>
        changeSettings(tx, emit, { accountId, id, patch, ifVersion: ifMatch({ headers }) }),
      ),
  );

  app.delete(
    '/campaigns/:id',
    { config: mayChange, schema: { params: byId } },
    async ({ principal, params: { id }, headers }, reply) => {
      const ifVersion = ifMatch({ headers });
      await outbox.change([id], (tx, emit) => removeCampaign(tx, emit, { principal, id, ifVersion }));
      return reply.code(204).send();
    },
  );
}

interface SettingsChange {
  accountId: string;
  id: string;
  patch: z.infer<typeof patchBody>;
  ifVersion: number | undefined;
}

async function changeSettings(tx: Tx, emit: Emit, change: SettingsChange): Promise<Campaign> {
  const { accountId, id, patch, ifVersion } = change;
  const before = await existing(tx, accountId, id);
  checkVersion(before, ifVersion);
  const settings = patched(sentSettings, pick(sentSettings, before), patch);
  if (before.status === 'finished' && Object.keys(patch).some((field) => field !== 'name')) {
    throw new ProblemError('illegal_transition', 'A finished campaign can only be renamed.');
  }
  // Trunks that were deleted since stand in no one's way.
  if (patch['trunkIds'] !== undefined) await checkTrunks(tx, accountId, settings.trunkIds);
  await updateCampaignSettings(tx, emit, { id, accountId, settings });
  return existing(tx, accountId, id);
}

interface Removal {
  principal: Principal;
  id: string;
  ifVersion: number | undefined;
}

/** What runs or is about to is finished first. */
async function removeCampaign(tx: Tx, emit: Emit, { principal, id, ifVersion }: Removal): Promise<void> {
  const { accountId, name: actor } = principal;
  const before = await existing(tx, accountId, id);
  checkVersion(before, ifVersion);
  if (before.status !== 'draft' && before.status !== 'finished') {
    const reason = { code: 'deleted', message: `Deleted by ${actor}.`, actor } as const;
    accepted(await changeCampaignStatus(tx, emit, { campaignId: id, accountId, signal: 'finish', reason }));
  }
  await deleteCampaign(tx, emit, accountId, id);
}

async function existing(db: Db, accountId: string, id: string): Promise<Campaign> {
  const found = await findCampaign(db, accountId, id);
  if (found === null) throw notFound('campaign');
  return found;
}

async function checkTrunks(db: Db, accountId: string, trunkIds: readonly string[]): Promise<void> {
  if (trunkIds.length === 0) return;
  const own = await ownTrunkIds(db, accountId, trunkIds);
  const errors = trunkIds.flatMap((id, index) =>
    own.has(id) ? [] : [{ path: `trunkIds[${index}]`, message: 'is no trunk of this account' }],
  );
  if (errors.length > 0) throw invalid(errors);
}
