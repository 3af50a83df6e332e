import fs from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { asset, sendAsset, sendPage } from '../assets.js';
import type { AsyncApiDocument } from '../documents/asyncapi.js';
import type { OpenApiDocument } from '../documents/openapi-shapes.js';
import { documentsPage } from '../documents/page/page.js';

/** The documents that are checked in, without a key, and the page that shows them. All of it is read once. */
export async function addDocuments(app: FastifyInstance): Promise<void> {
  const asyncApi = await read('asyncapi.json');
  const openApi = await read('openapi.json');
  const page = documentsPage({
    asyncApi: JSON.parse(asyncApi) as AsyncApiDocument,
    openApi: JSON.parse(openApi) as OpenApiDocument,
    samples: { webSocket: await read('samples/web-socket.js'), socketIo: await read('samples/socket-io.js') },
  });
  const html = asset(Buffer.from(page), 'text/html; charset=utf-8');
  app.get('/docs', { schema: { hide: true } }, async (request, reply) => sendPage(request, reply, html));
  for (const [name, text] of Object.entries({ 'asyncapi.json': asyncApi, 'openapi.json': openApi })) {
    const document = asset(Buffer.from(text), 'application/json; charset=utf-8');
    app.get(`/docs/${name}`, { schema: { hide: true } }, async (request, reply) => {
      // For tools that run in a page of their own.
      reply.header('access-control-allow-origin', '*');
      return sendAsset(request, reply, document);
    });
  }
}

function read(name: string): Promise<string> {
  return fs.readFile(new URL(`../../../documents/${name}`, import.meta.url), 'utf8');
}
