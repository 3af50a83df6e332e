import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65535);

/** `udp:127.0.0.1:5060,tcp:127.0.0.1:5060` → the addresses in the order given. */
const sipBind = z.string().transform((text, context) =>
  text.split(',').map((part) => {
    const match = /^(udp|tcp):(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(part.trim());
    const bindPort = Number(match?.[3]);
    if (!match || bindPort > 65535) {
      context.addIssue({ code: 'custom', message: `"${part}" is not udp|tcp:address:port` });
      return z.NEVER;
    }
    return { transport: match[1] as 'udp' | 'tcp', host: match[2] ?? '', port: bindPort };
  }),
);

/** `20000-29999` → both ends, inclusive. */
const portRange = z.string().transform((text, context) => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65535 || first > last) {
    context.addIssue({ code: 'custom', message: 'is not first-last, both within 1-65535' });
    return z.NEVER;
  }
  return { first, last };
});

const flag = z.enum(['0', '1']).transform((value) => value === '1');

const url = (protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `is not a URL of ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const environment = z.object({
  PORT: port.default(3000),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  REDIS_URL: url(['redis:', 'rediss:', 'redis+unix:']).optional(),
  DRACHTIO_HOST: z.string().min(1).optional(),
  DRACHTIO_PORT: port.default(9022),
  DRACHTIO_SECRET: z.string().min(1).optional(),
  SIP_BIND: sipBind.default([
    { transport: 'udp', host: '127.0.0.1', port: 5060 },
    { transport: 'tcp', host: '127.0.0.1', port: 5060 },
  ]),
  RTP_HOST: z.string().min(1).default('127.0.0.1'),
  RTP_PORTS: portRange.default({ first: 20000, last: 29999 }),
  DATA_DIR: z
    .string()
    .min(1)
    .default('.data')
    .transform((dir) => path.resolve(dir)),
  ADMIN_KEY: z.string().min(16, 'must have at least 16 characters').optional(),
  DEMO: flag.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  SIP_AUTO_TRYING: flag.default(true),
  DRAIN_SECONDS: z.coerce.number().int().min(0).max(3600).default(30),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w-]+$/)
    .default('ds'),
});

export interface SipAddress {
  transport: 'udp' | 'tcp';
  host: string;
  port: number;
}

export interface Config {
  port: number;
  host: string;
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** Leads every Redis key, so that several installations can share one Redis. */
  redisPrefix: string;
  drachtio: { host: string | undefined; port: number; secret: string };
  sipBind: SipAddress[];
  /** The agent sends 100 when its client takes its time with an INVITE (RFC 3261 section 17.2.1). */
  sipAutoTrying: boolean;
  rtp: { host: string; firstPort: number; lastPort: number };
  dataDir: string;
  adminKey: string | undefined;
  demo: boolean | undefined;
  logLevel: string;
  drainSeconds: number;
}

/** Names every fault of an environment at once, each with its variable. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Reads the environment. Throws a {@link ConfigError} that lists every wrong value. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable means "not set": compose files cannot leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`The environment has ${faults.length} fault(s):\n${faults.join('\n')}`);
  }
  const e = parsed.data;
  return {
    port: e.PORT,
    host: e.HOST,
    databaseUrl: e.DATABASE_URL,
    redisUrl: e.REDIS_URL,
    redisPrefix: e.REDIS_PREFIX,
    drachtio: { host: e.DRACHTIO_HOST, port: e.DRACHTIO_PORT, secret: e.DRACHTIO_SECRET ?? 'cymru' },
    sipBind: e.SIP_BIND,
    sipAutoTrying: e.SIP_AUTO_TRYING,
    rtp: { host: e.RTP_HOST, firstPort: e.RTP_PORTS.first, lastPort: e.RTP_PORTS.last },
    dataDir: e.DATA_DIR,
    adminKey: e.ADMIN_KEY,
    demo: e.DEMO,
    logLevel: e.LOG_LEVEL,
    drainSeconds: e.DRAIN_SECONDS,
  };
}

/** The environment of a process that keeps to stores which others have started. */
export function loadStoresConfig(): { config: Config; databaseUrl: string; redisUrl: string } {
  const config = loadConfig();
  const { databaseUrl, redisUrl } = config;
  if (databaseUrl === undefined || redisUrl === undefined) {
    throw new ConfigError('DATABASE_URL and REDIS_URL must be set when this process runs alone.');
  }
  return { config, databaseUrl, redisUrl };
}

/** What `load` reads; faults of the environment are told plainly on stderr, and end the process with code 1. */
export function orExit<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

/** A secret of 32 random bytes in a form that fits a header, a URL and a shell. */
export function makeSecret(prefix: string): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

/** Our own environment with some variables set, or taken away where undefined: for a child process. */
export function childEnvironment(overrides: Record<string, string | undefined>): NodeJS.ProcessEnv {
  return { ...process.env, ...overrides };
}
