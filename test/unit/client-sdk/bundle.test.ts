import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { describe, expect, test } from 'vitest';

const entry = '\0entry';
const here = path.dirname(fileURLToPath(import.meta.url));

/** What a browser's bundler makes of a module that has this text. */
async function bundled(text: string, options: { external?: string[]; format?: 'esm' | 'iife' } = {}) {
  const { external = [], format = 'esm' } = options;
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    external,
    plugins: [
      {
        name: 'entry',
        resolveId(source, importer) {
          if (source === entry) return entry;
          return importer === entry ? this.resolve(source, path.join(here, 'entry.js')) : null;
        },
        load: (id) => (id === entry ? text : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format, name: 'sdk', minify: true, codeSplitting: false });
  await bundle.close();
  const [chunk] = output;
  return { code: chunk.code, imports: chunk.imports, gzipBytes: gzipSync(chunk.code).length };
}

const all = (door: string) => `export * from '@dialstream/client-sdk${door}';`;

describe('in a browser’s bundle', () => {
  test('all of it has less than 20 kB gzipped, and imports nothing but its transport', async () => {
    const { imports, gzipBytes } = await bundled(all(''), { external: ['socket.io-client'] });
    expect(imports).toEqual(['socket.io-client']);
    expect(gzipBytes).toBeLessThan(20_000);
  });

  test('with the React hooks it still has', async () => {
    const external = ['socket.io-client', 'react'];
    const { imports, gzipBytes } = await bundled(`${all('')}${all('/react')}`, { external });
    expect(imports.toSorted()).toEqual(['react', 'socket.io-client']);
    expect(gzipBytes).toBeLessThan(20_000);
  });

  test.for([
    ['all that comes by the door of WebSocket', all('/websocket')],
    ['the React hooks', all('/react').replace('*', '{ useCampaigns }')],
    ['the HTTP client alone', `export { createHttpClient } from '@dialstream/client-sdk';`],
    ['stores and their types', `export { campaignsStore, webSocket } from '@dialstream/client-sdk';`],
  ] as const)('%s has no Socket.IO in it', async ([, text]) => {
    const { imports, code } = await bundled(text, { external: ['react'] });
    expect(imports.filter((name) => name !== 'react')).toEqual([]);
    expect(code).not.toMatch(/engine\.io|EIO=/);
  });

  test('Socket.IO is there for who wants it', async () => {
    const { imports, code } = await bundled(`export { connect } from '@dialstream/client-sdk';`);
    expect(imports).toEqual([]);
    expect(code).toMatch(/EIO/);
  });

  test('nothing of Node is needed', async () => {
    const { code } = await bundled(all(''), { external: ['socket.io-client'] });
    expect(code).not.toContain('node:');
    for (const name of builtinModules) expect(code).not.toContain(`from"${name}"`);
  });

  test('it runs where there is nothing but what browsers have', async () => {
    const { code } = await bundled(all('/websocket'), { format: 'iife' });
    const opened: string[] = [];
    const context = vm.createContext({
      opened,
      URL,
      AbortController,
      performance,
      setTimeout,
      clearTimeout,
      queueMicrotask,
      WebSocket: class {
        constructor(url: string) {
          opened.push(url);
        }
        addEventListener(): void {}
        send(): void {}
        close(): void {}
      },
    });
    const use = `
      const client = sdk.connect({ url: 'https://dial.example.com', token: 'key' });
      const store = sdk.campaignsStore(client);
      sdk.createHttpClient({ url: 'https://dial.example.com', key: 'key' });
      const seen = store.get().freshness;
      Promise.resolve().then(() => 0).then(() => 0).then(() => 0).then(() => client.close()).then(() => seen)`;
    expect(await (vm.runInContext(`${code};${use}`, context) as Promise<string>)).toBe('loading');
    expect(opened).toEqual(['wss://dial.example.com/v1/stream?token=key']);
  });
});
