import { asyncApiDocument } from './asyncapi.js';
import { openApiDocument } from './openapi.js';
import { readRoutes } from './routes.js';

/** The documents that are checked in beside this module, by their file names. */
export async function documents() {
  return { 'asyncapi.json': asyncApiDocument(), 'openapi.json': openApiDocument(await readRoutes()) };
}

/** A document as its file holds it. */
export function asText(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
