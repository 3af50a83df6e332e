import {
  campaignsStore,
  connect,
  type CampaignsView,
  type ConnectionState,
  type LiveClient,
} from '@dialstream/client-sdk';
import { createCampaignCard, type CampaignCard } from './campaign-card.js';
import { byId, setText } from './elements.js';
import { forgetKey, keepKey, keptKey } from './kept-key.js';

const page = {
  connection: byId('connection', HTMLParagraphElement),
  changeKey: byId('change-key', HTMLButtonElement),
  keyForm: byId('key-form', HTMLFormElement),
  keyInput: byId('key', HTMLInputElement),
  keyFault: byId('key-fault', HTMLParagraphElement),
  notice: byId('notice', HTMLParagraphElement),
  campaigns: byId('campaigns', HTMLElement),
};
const cards = new Map<string, CampaignCard>();
let client: LiveClient | null = null;

function askForKey(fault: string): void {
  client?.close();
  client = null;
  forgetKey();
  page.keyForm.hidden = false;
  page.changeKey.hidden = true;
  page.keyFault.hidden = fault === '';
  setText(page.keyFault, fault);
  showNotice('');
  showConnection('off', 'Not connected');
  showCampaigns([]);
  page.keyInput.focus();
}

function follow(key: string): void {
  page.keyForm.hidden = true;
  page.changeKey.hidden = false;
  showNotice('Loading campaigns …');
  const own = connect({ url: location.origin, token: key });
  client = own;
  const store = campaignsStore(own);
  let isDue = false;
  const show = (): void => {
    isDue = false;
    if (client === own) showView(store.get(), own.state);
  };
  const showSoon = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(show);
  };
  store.subscribe(showSoon);
  own.onState(showSoon);
}

function showView(view: CampaignsView, connection: ConnectionState): void {
  if (connection.code === 'unauthorized') return askForKey('This key is not accepted.');
  showCampaigns(view.campaigns);
  switch (view.freshness) {
    case 'live':
      showConnection('live', 'Live');
      return showNotice(view.campaigns.length === 0 ? 'There are no campaigns yet.' : '');
    case 'loading':
    case 'stale': {
      const reason = connection.status === 'connected' ? view.subscription.reason : connection.reason;
      const since = view.freshness === 'stale' ? 'Reconnecting, figures may be old' : 'Connecting';
      showConnection('waiting', `${since}: ${reason}`);
      return;
    }
    case 'refused':
    case 'closed':
      showConnection('off', 'Not connected');
      showNotice(`Campaigns cannot be shown: ${view.subscription.reason}`);
  }
}

function showConnection(state: 'off' | 'waiting' | 'live', text: string): void {
  page.connection.dataset['state'] = state;
  setText(page.connection, text);
}

function showNotice(text: string): void {
  page.notice.hidden = text === '';
  setText(page.notice, text);
}

/** Cards stay the same elements while their campaign does; only what is new or out of place is moved. */
function showCampaigns(campaigns: CampaignsView['campaigns']): void {
  const ids = new Set(campaigns.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (ids.has(id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  let place = page.campaigns.firstElementChild;
  for (const campaign of campaigns) {
    const card = cards.get(campaign.id) ?? createCampaignCard();
    cards.set(campaign.id, card);
    card.update(campaign);
    if (card.element === place) place = place.nextElementSibling;
    else page.campaigns.insertBefore(card.element, place);
  }
}

page.keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const key = page.keyInput.value.trim();
  page.keyInput.value = '';
  keepKey(key);
  follow(key);
});
page.changeKey.addEventListener('click', () => askForKey(''));

function start(): void {
  const key = keptKey();
  if (key === null) askForKey('');
  else follow(key);
}

// Another key in the address of an open page.
window.addEventListener('hashchange', () => {
  client?.close();
  start();
});
start();
