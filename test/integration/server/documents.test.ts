import { asText, documents } from '@dialstream/server/documents/documents.js';
import { eventData } from '@dialstream/shared/events/contract.js';
import { chromium } from 'playwright-core';
import { expect, test as base } from './http.js';

/** Debian's; `npm test` installs it. */
const program = '/usr/bin/chromium';

const test = base.extend('url', async ({ http }) => http.app.listen({ host: '127.0.0.1', port: 0 }));

const types = Object.keys(eventData);

test('the documents are there without a key, for pages of any origin', async ({ url }) => {
  for (const [name, document] of Object.entries(await documents())) {
    const answer = await fetch(`${url}/docs/${name}`);
    expect(await answer.text()).toBe(asText(document));
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  }
});

test('the page needs no script, loads nothing from elsewhere, and all of its links lead somewhere', async ({
  url,
}) => {
  const answer = await fetch(`${url}/docs`);
  const html = await answer.text();
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'none'");
  expect(html).not.toMatch(/<script|\sstyle=|\son\w+=/);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, link = ''] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
    if (link.startsWith('#')) expect(ids).toContain(link.slice(1));
    else expect([link, (await fetch(new URL(link, url))).status]).toEqual([link, 200]);
  }
});

test('the page shows every event, operation and schema, in light and dark, wide and narrow', async ({
  url,
  onTestFinished,
}) => {
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const { 'openapi.json': openApi } = await documents();
  const operations = Object.values(openApi.paths).flatMap((methods) => Object.values(methods));
  const grounds = new Set<string>();
  for (const look of [
    { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const) {
    const page = await browser.newPage(look);
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => faults.push(message.text()));
    await page.goto(url);
    await page.getByRole('link', { name: 'Documents' }).click();
    await page.getByRole('heading', { name: 'Connect' }).waitFor();
    expect(await page.locator('[data-event] h3').allTextContents()).toEqual(types);
    for (const type of types) {
      const example = page.locator(`[data-event="${type}"] pre`);
      expect(JSON.parse(await example.innerText())).toMatchObject({ type, specversion: '1.0' });
    }
    expect(await page.locator('[data-operation]').count()).toBe(operations.length);
    const schema = page.locator('[data-schema="Counts"]');
    expect(await schema.isVisible()).toBe(false);
    await page.locator('[data-event="campaign.counts"]').getByRole('link', { name: 'Counts' }).click();
    await schema.getByText('retry_scheduled').waitFor();
    grounds.add(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
    // Nothing is cut off at the side: what is too wide scrolls by itself.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.viewport.width);
    expect(faults).toEqual([]);
    await page.close();
  }
  expect(grounds.size).toBe(2);
});

test('whoever has no mouse can pass over the contents', async ({ url, onTestFinished }) => {
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${url}/docs`);
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'To the content' });
  expect(await skip.evaluate((link) => link.matches(':focus-visible'))).toBe(true);
  expect((await skip.boundingBox())?.y).toBeGreaterThan(0);
  await page.keyboard.press('Enter');
  expect(new URL(page.url()).hash).toBe('#content');
});
