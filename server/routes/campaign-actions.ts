import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { campaign, scheduleCampaign, type Campaign } from '@dialstream/shared/api/campaigns.js';
import { changeCampaignStatus } from '@dialstream/shared/db/campaign-changes.js';
import { findCampaign, noteStart } from '@dialstream/shared/db/campaigns.js';
import type { Tx } from '@dialstream/shared/db/pool.js';
import type { CampaignSignal, ReasonCode } from '@dialstream/shared/domain/status.js';
import type { Emit } from '@dialstream/shared/events/outbox.js';
import type { App, RouteParts } from '../app.js';
import type { Principal } from '../principal.js';
import { accepted, notFound } from '../problems.js';
import type { Answer, ReplyHead, Work } from './once.js';
import { byId } from './paging.js';
import { ifMatch } from './versions.js';

interface Action {
  signal: CampaignSignal;
  code: ReasonCode;
  /** How the message of the reason begins. */
  done: string;
}

const actions = {
  unschedule: { signal: 'unschedule', code: 'unscheduled', done: 'Unscheduled' },
  pause: { signal: 'pause', code: 'manual', done: 'Paused' },
  resume: { signal: 'resume', code: 'resumed', done: 'Resumed' },
  finish: { signal: 'finish', code: 'manual', done: 'Finished' },
} as const satisfies Record<string, Action>;

const config = { role: 'operator' } as const;
const response = { 200: campaign };

/** What is done to a campaign as a whole: each changes its status by the state machine, or is refused. */
export function addCampaignActions(app: App, { once }: RouteParts): void {
  const act = async (
    request: FastifyRequest,
    reply: ReplyHead,
    id: string,
    work: Work<Campaign>,
  ): Promise<Campaign> => {
    const body = await once(request, reply, [id], work);
    if (reply.statusCode === 200) {
      request.log.info({ campaignId: id, status: body.status }, 'a campaign was changed by request');
    }
    return body;
  };

  for (const [name, { signal, code, done }] of Object.entries(actions)) {
    app.post(
      `/campaigns/:id/${name}`,
      { config, schema: { params: byId, body: z.strictObject({}), response } },
      (request, reply) =>
        act(request, reply, request.params.id, async (tx, emit) => {
          const { principal, params } = request;
          const reason = { code, message: `${done} by ${principal.name}.`, actor: principal.name };
          const { accountId } = principal;
          const change = { campaignId: params.id, accountId, signal, reason, ifVersion: ifMatch(request) };
          accepted(await changeCampaignStatus(tx, emit, change));
          if (signal === 'unschedule') await noteStart(tx, params.id, null);
          return answer(tx, accountId, params.id);
        }),
    );
  }

  app.post(
    '/campaigns/:id/schedule',
    { config, schema: { params: byId, body: scheduleCampaign, response } },
    (request, reply) =>
      act(request, reply, request.params.id, async (tx, emit) => {
        const { principal, params, body } = request;
        await schedule(tx, emit, { principal, id: params.id, ifVersion: ifMatch(request), ...body });
        return answer(tx, principal.accountId, params.id);
      }),
  );
}

interface Scheduling {
  principal: Principal;
  id: string;
  ifVersion: number | undefined;
  /** Left out or past: now. */
  startAt?: string | undefined;
}

/** Plans a start. One that is due passes through `planned` at once. */
async function schedule(
  tx: Tx,
  emit: Emit,
  { principal, id, ifVersion, startAt }: Scheduling,
): Promise<void> {
  const { accountId, name: actor } = principal;
  const now = await databaseNow(tx);
  const later = startAt !== undefined && new Date(startAt) > now;
  const start = (later ? new Date(startAt) : now).toISOString();
  const common = { campaignId: id, accountId };
  const message = later ? `Scheduled by ${actor} for ${start}.` : `Scheduled by ${actor} for now.`;
  accepted(
    await changeCampaignStatus(tx, emit, {
      ...common,
      signal: 'schedule',
      reason: { code: 'scheduled', message, actor },
      startAt: start,
      ifVersion,
    }),
  );
  await noteStart(tx, id, start);
  if (later) return;
  const reason = { code: 'started', message: `Started by ${actor}.`, actor } as const;
  accepted(await changeCampaignStatus(tx, emit, { ...common, signal: 'start', reason }));
}

/** The database's clock decides what is due, here as in the clock work. */
async function databaseNow(tx: Tx): Promise<Date> {
  const { rows } = await tx.query<{ now: Date }>('select now() as now');
  if (!rows[0]) throw new Error('Postgres gave no time');
  return rows[0].now;
}

async function answer(tx: Tx, accountId: string, id: string): Promise<Answer<Campaign>> {
  const body = await findCampaign(tx, accountId, id);
  if (body === null) throw notFound('campaign');
  return { status: 200, body };
}
