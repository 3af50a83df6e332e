import { createHttpClient } from '@dialstream/client-sdk';
import type * as sdk from '@dialstream/client-sdk';
import { chromium, type JSHandle, type Page } from 'playwright-core';
import { expect, test as base } from './installation.js';

/** Debian's; `npm test` installs it. */
const program = '/usr/bin/chromium';

/** The doors of the SDK as the server's own page has them. */
const doors = { 'Socket.IO': 'index', WebSocket: 'websocket' } as const;

const test = base
  .extend('page', async ({ installation: { url } }, { onCleanup }): Promise<Page> => {
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
    onCleanup(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    return page;
  })
  .extend('key', async ({ installation: { account } }) => (await account()).key);

type Sdk = typeof sdk;

/** What the page notes while it follows. */
interface Notes {
  states: string[];
  names: string[][];
}

/** A door of the SDK, loaded in the page. */
async function loaded(page: Page, door: string): Promise<JSHandle<Sdk>> {
  return page.evaluateHandle<Sdk>(`import('/assets/client-sdk/${door}.js')`);
}

/** Follows the campaigns in the page, which notes what it is told as `notes`. */
async function follow(page: Page, door: string, tokens: readonly string[]): Promise<void> {
  await page.evaluate(
    ([{ campaignsStore, connect }, given]) => {
      const notes: Notes = { states: [], names: [] };
      const left = [...given];
      const client = connect({
        url: location.origin,
        token: () => left.shift() ?? '',
        reconnect: { delayMs: () => 0 },
        onState: ({ status, code }) => notes.states.push(`${status}: ${code}`),
      });
      const store = campaignsStore(client);
      store.subscribe(() => notes.names.push(store.get().campaigns.map(({ name }) => name)));
      Object.assign(window, { notes });
    },
    [await loaded(page, door), tokens] as const,
  );
}

async function notesUntil(page: Page, names: string): Promise<Notes> {
  const handle = await page.waitForFunction(
    (wanted) => {
      const { notes } = window as unknown as { notes: Notes };
      return notes.names.at(-1)?.join() === wanted ? notes : null;
    },
    names,
    { timeout: 20_000 },
  );
  return (await handle.jsonValue()) as Notes;
}

test.for(['Socket.IO', 'WebSocket'] as const)(
  'a browser follows campaigns over %s with a stream token',
  async (transport, { installation: { url }, key, page }) => {
    const { campaigns, streamTokens } = createHttpClient({ url, key });
    const { id } = await campaigns.create({ name: 'October' });
    const { token } = await streamTokens.create({ topics: ['campaigns'] });
    await follow(page, doors[transport], ['nonsense', token]);
    await notesUntil(page, 'October');
    await campaigns.patch(id, { name: 'November' });
    const { states } = await notesUntil(page, 'November');
    expect(states).toEqual(['reconnecting: unauthorized', 'connected: connected']);
  },
);

test('a browser asks by HTTP, too', async ({ installation: { url }, key, page }) => {
  await createHttpClient({ url, key }).campaigns.create({ name: 'October' });
  const told = await page.evaluate(
    async ([{ ApiError, createHttpClient: create }, given]) => {
      const { campaigns } = create({ url: location.origin, key: given });
      const names: string[] = [];
      for await (const { name } of campaigns.all()) names.push(name);
      const fault: unknown = await campaigns.get('none').catch((error: unknown) => error);
      return [...names, fault instanceof ApiError ? fault.code : 'no error'];
    },
    [await loaded(page, 'websocket'), key] as const,
  );
  expect(told).toEqual(['October', 'not_found']);
});
