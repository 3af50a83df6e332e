import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { addDocuments } from '@dialstream/server/routes/documents.js';
import { registerWeb } from '@dialstream/server/web.js';
import { changeCampaignStatus, emitCounts } from '@dialstream/shared/db/campaign-changes.js';
import { fastify } from 'fastify';
import { chromium, type Page } from 'playwright-core';
import { addCalls, addCampaign } from '../../support/records.js';
import { describe, expect, test, type Live } from './live.js';

/** A server with the page and a gateway. */
async function serve(live: Live): Promise<string> {
  const app = fastify();
  await registerWeb(app);
  await addDocuments(app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  live.defer(() => app.close());
  await live.gateway({ httpServer: app.server });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

describe('the files of the start page', () => {
  test('allow no inline script but the import map', async ({ live }) => {
    const url = await serve(live);
    const answer = await fetch(url);
    const html = await answer.text();
    const policy = answer.headers.get('content-security-policy') ?? '';
    const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)].map(
      ([, text]) => text ?? '',
    );
    const hashes = inline.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    expect(hashes).toHaveLength(1);
    expect(policy).toContain(`script-src 'self' ${hashes[0]};`);
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(/\son\w+=|\sstyle=/);
  });

  test('are all there, down to the last module', async ({ live }) => {
    const url = await serve(live);
    const html = await (await fetch(url)).text();
    const { imports } = JSON.parse(/<script type="importmap">(.*?)<\/script>/s.exec(html)?.[1] ?? '{}') as {
      imports: Record<string, string>;
    };
    const found = new Set<string>();
    const waiting = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file]) => file ?? '');
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (found.has(file)) continue;
      found.add(file);
      const answer = await fetch(new URL(file, url));
      expect([file, answer.status]).toEqual([file, 200]);
      if (!file.endsWith('.js')) continue;
      expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/);
      for (const [, name = ''] of (await answer.text()).matchAll(
        /^(?:import|export)[^'"]*?from ["']([^"']+)["']/gm,
      )) {
        const mapped = Object.entries(imports).find(
          ([key]) => name === key || (key.endsWith('/') && name.startsWith(key)),
        );
        waiting.push(mapped ? name.replace(...mapped) : new URL(name, new URL(file, url)).pathname);
      }
    }
    expect([...found].filter((file) => file.startsWith('/assets/client-sdk/')).length).toBeGreaterThan(5);
    expect([...found].some((file) => file === '/assets/socket.io-client.js')).toBe(true);
  });

  test('are not sent again while they are the same; others do not exist', async ({ live }) => {
    const url = await serve(live);
    const first = await fetch(`${url}/assets/style.css`);
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await fetch(`${url}/assets/style.css`, { headers })).status).toBe(304);
    expect((await fetch(`${url}/assets/page/..%2f..%2fpackage.json`)).status).toBe(404);
  });
});

/** Debian's; `npm test` installs it. */
const program = '/usr/bin/chromium';

describe('the start page in a browser', () => {
  async function open(live: Live, url: string): Promise<{ page: Page; faults: string[] }> {
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
    live.defer(() => browser.close());
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(url);
    return { page, faults };
  }

  test('asks for a key, refuses a wrong one, then shows campaigns and what happens to them', async ({
    live,
    db,
  }) => {
    const { accountId, token } = await live.account();
    const older = await addCampaign(db, accountId, { name: 'Older' });
    const newer = await addCampaign(db, accountId, { name: '<b>Newer</b>' }, 'planned');
    await addCalls(db, accountId, older, 3);
    const { outbox } = await live.publishing();
    const { page, faults } = await open(live, await serve(live));
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Show campaigns' }).click();
    await page.getByText('This key is not accepted.').waitFor();
    await page.getByLabel('API key').fill(token);
    await page.getByRole('button', { name: 'Show campaigns' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.locator('.campaign h2').allTextContents()).toEqual(['<b>Newer</b>', 'Older']);
    const card = page.locator(`[data-campaign="${older}"]`);
    expect(await card.locator('.counts dd').allTextContents()).toEqual([
      '3',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
      '3',
      '0',
    ]);

    await outbox.change([older], async (tx, emit) => {
      await tx.query(
        `update calls set status = 'answered', next_attempt_at = null
          where id = (select id from calls where campaign_id = $1 limit 1)`,
        [older],
      );
      await emitCounts(tx, emit, older);
    });
    await card.getByText('1 of 3 calls over (33 %)').waitFor();
    expect(await card.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('1');
    await outbox.change([newer], (tx, emit) =>
      changeCampaignStatus(tx, emit, {
        campaignId: newer,
        signal: 'start',
        reason: { code: 'started', message: 'Its time has come.', actor: 'system' },
      }),
    );
    const reason = page.locator(`[data-campaign="${newer}"]`).getByText('Its time has come. · by system');
    await reason.waitFor();
    // The refused connection is no fault of the page.
    expect(faults).toEqual([]);
  });

  test('takes the key from the address, keeps it to itself, and says when there is nothing', async ({
    live,
  }) => {
    const { token } = await live.account();
    const url = await serve(live);
    const { page, faults } = await open(live, `${url}/#key=${token}`);
    await page.getByText('There are no campaigns yet.').waitFor();
    expect(page.url()).toBe(`${url}/`);
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });
});
