import fs from 'node:fs/promises';
import { createHttpClient, connect, type HttpClient, type LiveClient } from '@dialstream/client-sdk';
import { until } from '@dialstream/shared/embedded/waiting.js';
import { createElement as h, type ComponentType } from 'react';
import { drawn } from '../../unit/client-sdk/dom.js';
import { exportsOf } from '../../unit/client-sdk/exports.js';
import { Examples, readme, type RunningExample } from './examples.js';
import { describe, expect, test as base } from './installation.js';

const test = base
  .extend('key', async ({ installation: { account } }) => (await account()).key)
  .extend('http', ({ installation: { url }, key }): HttpClient => createHttpClient({ url, key }))
  .extend('examples', { scope: 'file' }, async ({ log }, { onCleanup }) => {
    const examples = await Examples.compile();
    log.debug({ headings: examples.headings }, 'examples are compiled');
    onCleanup(() => examples.remove());
    return examples;
  })
  .extend('run', async ({ examples, installation: { url }, key }, { onCleanup }) => {
    const running: RunningExample[] = [];
    onCleanup(async () => {
      for (const example of running) await example.leave();
    });
    return async (heading: string, kept = {}) => {
      const example = await examples.run(heading, { url, key }, kept);
      running.push(example);
      return example;
    };
  });

/** One campaign with one call. */
async function october({ campaigns, calls }: HttpClient): Promise<string> {
  const { id } = await campaigns.create({ name: 'October' });
  await calls.add(id, [{ phone: '+12025550199' }]);
  return id;
}

describe('the README of the SDK', () => {
  test('has examples that compile, and a test for each', async ({ examples }) => {
    expect(examples.faults).toBe('');
    expect(examples.headings).toEqual([
      'A wallboard',
      'Every event',
      'As an iteration',
      'Only the newest',
      'Tokens',
      'Over a reload',
      'React',
      'HTTP',
    ]);
  });

  test('A wallboard', async ({ run, http }) => {
    const id = await october(http);
    const example = await run('A wallboard');
    await example.says('live: October is draft, 0 of 1 answered');
    await http.campaigns.schedule(id);
    await example.says('live: October is in_progress');
  });

  test('Every event', async ({ run, http }) => {
    const id = await october(http);
    const example = await run('Every event');
    await example.says(/1 campaigns at \d+\nlive: began with a snapshot/);
    await http.campaigns.schedule(id);
    await example.says(`${id}: draft -> planned (scheduled)\n${id}: planned -> in_progress (started)`);
  });

  test('As an iteration', async ({ run, http }) => {
    const id = await october(http);
    const example = await run('As an iteration');
    await example.says('1 campaigns');
    await http.campaigns.patch(id, { name: 'November' });
    await example.says(/\d+ campaign.updated\n$/);
    expect(await example.exited).toBe(0);
  });

  test('Only the newest', async ({ run, http }) => {
    await october(http);
    await (await run('Only the newest')).says('live 1');
  });

  test('Tokens', async ({ run, http }) => {
    await october(http);
    await (await run('Tokens')).says('connected connected\n1\n');
  });

  test('Over a reload', async ({ run, http }) => {
    await october(http);
    const first = await run('Over a reload');
    await first.says(/^loading 0\n(?:.*\n)*live 1\n/);
    const second = await run('Over a reload', await first.leave());
    await second.says(/^stale 1\n(?:.*\n)*live 1\n/);
  });

  test('React', async ({ installation: { url }, key, examples, http, onTestFinished }) => {
    await october(http);
    const { Wallboard } = (await import(/* @vite-ignore */ await examples.module('React', { url, key }))) as {
      Wallboard: ComponentType<{ client: LiveClient | null }>;
    };
    const client = connect({ url, token: key });
    onTestFinished(() => client.close());
    const page = drawn(h(Wallboard, { client: null }));
    expect(page.text()).toBe('Loading: there is no client yet');
    page.draw(h(Wallboard, { client }));
    await until(() => page.text() === 'October: 0 answered', { withinMs: 10_000, what: 'the campaign' });
    page.remove();
  });

  test('HTTP', async ({ run }) => {
    const example = await run('HTTP');
    expect(await example.exited).toBe(0);
    expect(example.said.split('\n')).toEqual([
      '1 to call, 1 unreadable',
      '+12025550123 planned',
      '409 version_mismatch The campaign is at version 2, not 1.',
      '',
    ]);
  });
});

describe('every name that the SDK gives', () => {
  test.for(['index', 'websocket', 'react/index'])('by its door %s stands in the README', async (door) => {
    const text = await fs.readFile(readme, 'utf8');
    const names = (await exportsOf(door)).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  test.for(['index', 'websocket', 'react/index'])('by its door %s has a docstring', async (door) => {
    const undocumented = (await exportsOf(door)).filter(({ doc }) => doc.length < 10);
    expect(undocumented).toEqual([]);
  });

  test('but Socket.IO comes by the door of WebSocket, too', async () => {
    const names = async (door: string) => (await exportsOf(door)).map(({ name }) => name).toSorted();
    expect([...(await names('websocket')), 'socketIo'].toSorted()).toEqual(await names('index'));
  });
});
