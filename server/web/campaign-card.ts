import type { CallStatus, Counts, LiveCampaign } from '@dialstream/client-sdk';
import {
  callLabels,
  callStatuses,
  campaignLabels,
  finalCallStatuses,
} from '@dialstream/shared/domain/status.js';
import { append, setText } from './elements.js';

const number = new Intl.NumberFormat('en');
const time = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** Statuses in the order of the bar: what is over first. */
const barOrder: readonly CallStatus[] = [
  ...finalCallStatuses,
  ...callStatuses.filter((status) => !finalCallStatuses.includes(status)),
];

/** One campaign on the page. */
export interface CampaignCard {
  element: HTMLElement;
  update(campaign: LiveCampaign): void;
}

export function createCampaignCard(): CampaignCard {
  const element = document.createElement('article');
  element.className = 'campaign';
  const header = append(element, 'header');
  const name = append(header, 'h2');
  const badge = append(header, 'span', 'badge');
  const reason = append(header, 'p', 'reason');
  const updateProgress = addProgress(element);
  const updateCounts = addCounts(element);
  let shown: LiveCampaign | null = null;
  return {
    element,
    update(campaign) {
      if (campaign === shown) return;
      shown = campaign;
      element.dataset['campaign'] = campaign.id;
      setText(name, campaign.name);
      setText(badge, campaignLabels[campaign.status]);
      badge.dataset['status'] = campaign.status;
      setText(reason, reasonOf(campaign));
      updateProgress(campaign.counts);
      updateCounts(campaign);
    },
  };
}

function reasonOf({ statusReason: { code, message, actor, at } }: LiveCampaign): string {
  const why = message || code.replaceAll('_', ' ');
  return [why, actor && `by ${actor}`, time.format(new Date(at))].filter(Boolean).join(' · ');
}

function addProgress(card: HTMLElement): (counts: Counts) => void {
  const bar = append(card, 'div', 'progress');
  bar.setAttribute('role', 'progressbar');
  bar.setAttribute('aria-label', 'Calls that are over');
  bar.setAttribute('aria-valuemin', '0');
  const parts = barOrder.map((status) => {
    const part = append(bar, 'span');
    part.dataset['count'] = status;
    return { status, part };
  });
  const summary = append(card, 'p', 'summary');
  return (counts) => {
    const over = finalCallStatuses.reduce((sum, status) => sum + counts[status], 0);
    const percent = counts.total === 0 ? 0 : Math.floor((100 * over) / counts.total);
    const text = `${number.format(over)} of ${number.format(counts.total)} calls over (${percent} %)`;
    bar.setAttribute('aria-valuemax', String(counts.total));
    bar.setAttribute('aria-valuenow', String(over));
    bar.setAttribute('aria-valuetext', text);
    for (const { status, part } of parts) {
      part.style.width = counts.total === 0 ? '0' : `${(100 * counts[status]) / counts.total}%`;
    }
    setText(summary, text);
  };
}

function addCounts(card: HTMLElement): (campaign: LiveCampaign) => void {
  const list = append(card, 'dl', 'counts');
  const add = (label: string, count: string): HTMLElement => {
    const group = append(list, 'div');
    group.dataset['count'] = count;
    setText(append(group, 'dt'), label);
    return append(group, 'dd');
  };
  const statuses = callStatuses.map((status) => ({ status, value: add(callLabels[status], status) }));
  const total = add('Total', 'total');
  const active = add('Active attempts', 'active');
  return ({ counts, activeAttempts }) => {
    for (const { status, value } of statuses) setText(value, number.format(counts[status]));
    setText(total, number.format(counts.total));
    setText(active, number.format(activeAttempts));
  };
}
