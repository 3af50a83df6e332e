import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { send, test as base, withSnapshot, describe, expect } from './following.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const installed = path.join(repository, 'node_modules');

interface Consumer {
  folder: string;
  /** Compiles these files; gives what the compiler says. */
  compile(sources: Record<string, string>, options: object): Promise<string>;
}

/** A project that has the packed SDK and, beside what the test gives it, nothing else. */
const test = base
  .extend('root', { scope: 'file' }, repository)
  .extend('consumer', { scope: 'file' }, async ({ root }, { onCleanup }): Promise<Consumer> => {
    const folder = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-consumer-')));
    onCleanup(() => fs.rm(folder, { recursive: true }));
    const sdk = path.join(root, 'client-sdk');
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: sdk });
    const { filename } = (JSON.parse(stdout) as { filename: string }[])[0] ?? { filename: '' };
    const target = path.join(folder, 'node_modules/@dialstream/client-sdk');
    await fs.mkdir(target, { recursive: true });
    await run('tar', ['-xzf', path.join(folder, filename), '-C', target, '--strip-components=1']);
    await fs.mkdir(path.join(folder, 'node_modules/@types'));
    for (const name of ['socket.io-client', 'ws', '@types/ws', '@types/node', '@types/react', 'react']) {
      await fs.symlink(path.join(installed, name), path.join(folder, 'node_modules', name));
    }
    await fs.writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
    return {
      folder,
      async compile(sources, options) {
        const strict = {
          strict: true,
          skipLibCheck: false,
          exactOptionalPropertyTypes: true,
          outDir: 'built',
        };
        const files = Object.keys(sources);
        const config = JSON.stringify({ compilerOptions: { ...strict, ...options }, files });
        for (const [name, text] of Object.entries({ ...sources, 'tsconfig.json': config })) {
          await fs.writeFile(path.join(folder, name), text);
        }
        const compiled = run(path.join(installed, '.bin/tsc'), ['-p', '.'], { cwd: folder });
        return compiled.then(
          ({ stdout: said }) => said,
          (error: unknown) => (error as { stdout: string }).stdout,
        );
      },
    };
  });

const liveSource = `
import { campaignsStore, connect, createHttpClient, LiveError, type Campaign, type LiveEvent } from '@dialstream/client-sdk';
import { connect as connectPlain, type StreamItem } from '@dialstream/client-sdk/websocket';

const http = createHttpClient({ url: 'https://dial.example.com', key: 'k' });
export const named = async (id: string): Promise<Campaign['name']> => (await http.campaigns.get(id)).name;
export const codeOf = (event: LiveEvent): string =>
  event.type === 'campaign.status_changed' ? event.data.reason.code : String('version' in event.data);
// @ts-expect-error: an event of a trunk has no counts
export const wrong = (event: Extract<LiveEvent, { type: 'trunk.status_changed' }>) => event.data.counts;
export const store = (url: string) => campaignsStore(connect({ url, token: 'k' }), { mode: 'latest' });
export async function* plain(url: string): AsyncGenerator<StreamItem<'campaigns'>> {
  yield* connectPlain({ url, token: 'k' }).events('campaigns');
}
export const isOver = (error: unknown): boolean => error instanceof LiveError;
`;
const nodeSource = `
import { connect, socketIo, webSocket } from '@dialstream/client-sdk';
import { WebSocket } from 'ws';

const [url = '', name] = process.argv.slice(2);
const transport = name === 'WebSocket' ? webSocket({ WebSocket }) : socketIo();
const client = connect({ url, token: 'key', transport });
for await (const item of client.events('campaigns')) {
  console.log(item.kind === 'event' ? item.event.seq : item.kind);
  if (item.kind === 'event' && item.event.seq === 2) break;
}
client.close();
`;

const reactSource = `
import { createElement, type ReactElement } from 'react';
import { useCampaign, useCampaigns } from '@dialstream/client-sdk/react';

export function Wallboard(): ReactElement {
  const { campaigns } = useCampaigns();
  const { calls } = useCampaign(campaigns[0]?.id ?? null, { mode: 'latest' });
  return createElement('p', null, campaigns.length + calls.size);
}
`;

describe('the packed SDK', () => {
  test('compiles by its own types in a project for browsers', async ({ consumer }) => {
    const sources = { 'live.ts': liveSource, 'react.ts': reactSource };
    const options = { target: 'es2022', lib: ['es2022', 'dom'], types: [], module: 'esnext' };
    expect(await consumer.compile(sources, { ...options, moduleResolution: 'bundler' })).toBe('');
  });

  test.for(['Socket.IO', 'WebSocket'] as const)(
    'compiles for Node, and follows a topic there over %s',
    async (transport, { consumer, server, following }) => {
      const sources = { 'live.ts': liveSource, 'node.ts': nodeSource };
      const options = { target: 'es2023', lib: ['es2023'], types: ['node'], module: 'nodenext' };
      expect(await consumer.compile(sources, options)).toBe('');
      const running = run(process.execPath, ['built/node.js', following.url, transport], {
        cwd: consumer.folder,
        timeout: 20_000,
      });
      const asked = await server.asked();
      withSnapshot(asked, 0);
      send(asked, 1, 2, 3);
      expect((await running).stdout).toBe('snapshot\n1\n2\n');
    },
  );

  test('has what it names, and nothing that it does not need', async ({ consumer }) => {
    const folder = path.join(consumer.folder, 'node_modules/@dialstream/client-sdk');
    const { exports, dependencies } = JSON.parse(
      await fs.readFile(path.join(folder, 'package.json'), 'utf8'),
    ) as { exports: Record<string, unknown>; dependencies: Record<string, string> };
    expect(Object.keys(dependencies)).toEqual(['socket.io-client']);
    expect(Object.keys(exports)).toEqual(['.', './websocket', './react', './package.json']);
    for (const [door, target] of Object.entries(exports)) {
      for (const file of typeof target === 'string' ? [target] : Object.values(target as object)) {
        await expect(fs.access(path.join(folder, file as string)), door).resolves.toBeUndefined();
      }
    }
    expect(await fs.readdir(folder)).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  });
});
