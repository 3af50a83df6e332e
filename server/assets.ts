import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A file as browsers get it. */
export interface Asset {
  body: Buffer;
  type: string;
  etag: string;
}

export function asset(body: Buffer, type: string): Asset {
  return { body, type, etag: `"${hashOf(body, 'hex').slice(0, 32)}"` };
}

export function sendAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, type, etag }: Asset,
): FastifyReply {
  // Kept, but asked about each time: after an update no page runs with old parts.
  reply.header('etag', etag).header('cache-control', 'no-cache').header('x-content-type-options', 'nosniff');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  return reply.type(type).send(body);
}

/** Sends a page that may load nothing from elsewhere; `scripts` are the sources of its scripts, if it has any. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: Asset,
  scripts = "'none'",
): FastifyReply {
  const policy = [
    "default-src 'none'",
    `script-src ${scripts}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  reply.header('content-security-policy', policy).header('referrer-policy', 'no-referrer');
  return sendAsset(request, reply, page);
}

export function hashOf(content: string | Buffer, encoding: 'hex' | 'base64'): string {
  return createHash('sha256').update(content).digest(encoding);
}
