import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { asset, hashOf, sendAsset, sendPage, type Asset } from './assets.js';

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** How the browser finds the packages that the modules name, as Node does by `exports`. */
const importMap = JSON.stringify({
  imports: {
    'socket.io-client': '/assets/socket.io-client.js',
    '@dialstream/client-sdk': '/assets/client-sdk/index.js',
    '@dialstream/shared/domain/': '/assets/shared/domain/',
  },
});

/**
 * The start page at `/` and what it needs below `/assets/`. All of it is read once: what is not on the list
 * does not exist. The only inline script is the import map, which the policy names by its hash.
 */
export async function registerWeb(app: FastifyInstance): Promise<void> {
  const html = await readPage();
  const assets = await readAssets();
  const scripts = `'self' 'sha256-${hashOf(importMap, 'base64')}'`;

  app.get('/', { schema: { hide: true } }, async (request, reply) => sendPage(request, reply, html, scripts));
  for (const [url, asset] of assets) {
    app.get(url, { schema: { hide: true } }, async (request, reply) => sendAsset(request, reply, asset));
  }
}

async function readPage(): Promise<Asset> {
  const template = await fs.readFile(here('../../web/index.html'), 'utf8');
  // The hash is of all that stands between the tags.
  const body = template.replace(
    /(<script type="importmap">)\s*\{\{importmap\}\}\s*(<\/script>)/,
    `$1${importMap}$2`,
  );
  return asset(Buffer.from(body), 'text/html; charset=utf-8');
}

async function readAssets(): Promise<Map<string, Asset>> {
  const files = new Map<string, string>([
    ['/assets/style.css', here('../../web/style.css')],
    ['/assets/documents.css', here('../../web/documents.css')],
    ['/assets/icon.svg', here('../../web/icon.svg')],
    ['/assets/socket.io-client.js', socketIoBundle()],
    ...(await modulesIn('/assets/page', here('../web'))),
    ...(await modulesIn('/assets/client-sdk', packageFolder('@dialstream/client-sdk'))),
    ...(await modulesIn('/assets/shared/domain', packageFolder('@dialstream/shared/domain/status.js'))),
  ]);
  const assets = new Map<string, Asset>();
  for (const [url, file] of files) {
    assets.set(url, asset(await fs.readFile(file), types[path.extname(file)] ?? 'text/plain'));
  }
  return assets;
}

async function modulesIn(url: string, folder: string): Promise<[string, string][]> {
  const names = await fs.readdir(folder);
  return names
    .filter((name) => name.endsWith('.js'))
    .map((name) => [`${url}/${name}`, path.join(folder, name)]);
}

/** Beside our own file, wherever that is installed. */
function here(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function packageFolder(module: string): string {
  return path.dirname(fileURLToPath(import.meta.resolve(module)));
}

/** The client in one file for browsers. Its package exports no path to it, but tells where the package is. */
function socketIoBundle(): string {
  const folder = packageFolder('socket.io-client/package.json');
  return path.join(folder, 'dist', 'socket.io.esm.min.js');
}
