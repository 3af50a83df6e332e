import type { Campaign, Counts, LiveEvent } from './generated/types.js';

/**
 * What the stream tells of a campaign. The rest of its settings is read by HTTP.
 */
export type LiveCampaign = Pick<
  Campaign,
  | 'id'
  | 'name'
  | 'status'
  | 'statusReason'
  | 'version'
  | 'counts'
  | 'activeAttempts'
  | 'countsVersion'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
>;

/** Event types that change a campaign itself. */
export type CampaignEvent = Extract<LiveEvent, { type: `campaign.${string}` }>;

export function isCampaignEvent(event: LiveEvent): event is CampaignEvent {
  return event.type.startsWith('campaign.');
}

/** The live part of a whole campaign. */
export function liveCampaign(campaign: Campaign): LiveCampaign {
  const { id, name, status, statusReason, version, counts, activeAttempts, countsVersion } = campaign;
  const { createdAt, startedAt, finishedAt } = campaign;
  return {
    id,
    name,
    status,
    statusReason,
    version,
    counts,
    activeAttempts,
    countsVersion,
    createdAt,
    startedAt,
    finishedAt,
  };
}

/**
 * A campaign after an event; the very same object when the event says nothing new, null when the campaign
 * does not exist (any more). Snapshots and events may overlap: versions decide what is news.
 */
export function applyCampaignEvent(campaign: LiveCampaign | null, event: CampaignEvent): LiveCampaign | null {
  if (campaign === null) return event.type === 'campaign.created' ? createdCampaign(event) : null;
  if (event.type === 'campaign.counts') {
    const { counts, activeAttempts, version } = event.data;
    return version <= campaign.countsVersion
      ? campaign
      : { ...campaign, counts, activeAttempts, countsVersion: version };
  }
  if (event.data.version <= campaign.version) return campaign;
  switch (event.type) {
    case 'campaign.created':
    case 'campaign.updated':
      return { ...campaign, name: event.data.name, version: event.data.version };
    case 'campaign.status_changed':
      return afterStatusChange(campaign, event.data);
    case 'campaign.deleted':
      return null;
  }
}

function afterStatusChange(
  campaign: LiveCampaign,
  { from, to, reason, version }: Extract<CampaignEvent, { type: 'campaign.status_changed' }>['data'],
): LiveCampaign {
  return {
    ...campaign,
    status: to,
    statusReason: reason,
    version,
    startedAt: from === 'planned' && to === 'in_progress' ? reason.at : campaign.startedAt,
    finishedAt: to === 'finished' ? reason.at : campaign.finishedAt,
  };
}

function createdCampaign({ data, time }: Extract<CampaignEvent, { type: 'campaign.created' }>): LiveCampaign {
  const { reason = { code: 'created', message: 'Created.', actor: '', at: time } } = data;
  return {
    id: data.campaignId,
    name: data.name,
    status: 'draft',
    statusReason: reason,
    version: data.version,
    counts: noCalls(),
    activeAttempts: 0,
    countsVersion: 0,
    createdAt: reason.at,
    startedAt: null,
    finishedAt: null,
  };
}

function noCalls(): Counts {
  return {
    total: 0,
    planned: 0,
    in_progress: 0,
    retry_scheduled: 0,
    answered: 0,
    completed_without_answer: 0,
    technical_error: 0,
    not_dialed: 0,
    plan_limit_exceeded: 0,
  };
}
