import { z } from 'zod';
import { isTopicName } from '../events/topics.js';

const topic = z.string().refine(isTopicName, 'must be campaigns, system or campaign:<id>');

/** What a stream token is to grant. */
export const createStreamToken = z.strictObject({
  topics: z.array(topic).min(1).max(50).optional().describe('Left out: all that the key may have.'),
  ttlSeconds: z.int().min(10).max(86_400).default(3_600),
});

export const streamToken = z.object({ token: z.string(), expiresAt: z.iso.datetime() });
export type StreamToken = z.infer<typeof streamToken>;
