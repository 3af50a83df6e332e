import { z } from 'zod';
import { e164 } from '../domain/campaign.js';

/** They go into a SIP header between quotes, so they cannot hold what would end it (RFC 3261 section 25.1). */
const credential = z
  .string()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^"\\\x00-\x1f\x7f]*$/, 'must have no quotes, backslashes or control characters');

export const trunkSettings = z.strictObject({
  name: z.string().trim().min(1).max(200),
  host: z
    .string()
    .regex(/^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]+\])$/, 'must be a host name or address')
    .describe('Host name or address; no scheme, no port.'),
  port: z.int().min(1).max(65_535).default(5060),
  transport: z.enum(['udp', 'tcp']).default('udp'),
  username: credential.nullable().default(null),
  password: z.string().min(1).max(200).nullable().default(null),
  register: z.literal(false, { error: 'registering trunks are not supported yet' }).default(false),
  fromDomain: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,253}$/)
    .nullable()
    .default(null),
  callerIds: z.array(e164).max(1000).default([]),
  maxConcurrent: z.int().min(1).max(100_000).default(100),
  callsPerSecond: z.number().min(0.01).max(10_000).default(50),
  codecs: z
    .array(z.enum(['PCMU', 'PCMA']))
    .min(1)
    .default(['PCMU', 'PCMA']),
  priority: z.int().min(0).max(1000).default(0).describe('The lower goes first.'),
  weight: z.int().min(1).max(1000).default(1).describe('Share among trunks of one priority.'),
});
export type TrunkSettings = z.infer<typeof trunkSettings>;

/** A trunk as it is shown: the password is never given back. */
export const trunk = trunkSettings.omit({ password: true }).extend({
  id: z.string(),
  status: z.enum(['up', 'down']),
  statusReason: z.string().nullable(),
});
export type Trunk = z.infer<typeof trunk>;
