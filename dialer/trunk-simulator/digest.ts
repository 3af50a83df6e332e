import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What the simulated trunk asks of numbers that want credentials. */
export const demoCredentials = { username: 'demo', password: 'demo' } as const;

const realm = 'demo-trunk';
/** How long a nonce is good, ms. */
const nonceLifetimeMs = 60_000;

export type Verdict = 'accepted' | 'refused' | 'stale';

/** Digest authentication of a proxy (RFC 3261 section 22.3, RFC 2617). Keeps nothing between requests. */
export interface ProxyAuthenticator {
  /** The value of a Proxy-Authenticate header. `stale`: the credentials may be right, their nonce is not. */
  challenge(callId: string, stale: boolean): string;
  /** Judges the value of a Proxy-Authorization header. */
  judge(authorization: string, method: string, callId: string): Verdict;
}

/** The nonce carries its own expiry and a signature over it and the Call-ID, so that nothing is stored. */
export function createProxyAuthenticator(now: () => number = Date.now): ProxyAuthenticator {
  const secret = randomBytes(32);

  function makeNonce(expiresAt: number, callId: string): string {
    const signature = createHmac('sha256', secret).update(`${expiresAt} ${callId}`).digest('hex');
    return `${expiresAt}.${signature.slice(0, 32)}`;
  }

  function isFresh(nonce: string, callId: string): boolean {
    const expiresAt = Number(nonce.split('.', 1)[0]);
    return expiresAt > now() && same(nonce, makeNonce(expiresAt, callId));
  }

  return {
    challenge(callId, stale) {
      const nonce = makeNonce(now() + nonceLifetimeMs, callId);
      const parts = [`realm="${realm}"`, `nonce="${nonce}"`, 'algorithm=MD5', 'qop="auth"'];
      return `Digest ${[...parts, ...(stale ? ['stale=true'] : [])].join(', ')}`;
    },
    judge(authorization, method, callId) {
      const given = parseDigest(authorization);
      if (given.get('realm') !== realm || given.get('username') !== demoCredentials.username)
        return 'refused';
      if (!same(given.get('response')?.toLowerCase() ?? '', expectedResponse(given, method)))
        return 'refused';
      return isFresh(given.get('nonce') ?? '', callId) ? 'accepted' : 'stale';
    },
  };
}

/** RFC 2617 section 3.2.2, with `qop=auth` and, for older clients, without. */
function expectedResponse(given: ReadonlyMap<string, string>, method: string): string {
  const { username, password } = demoCredentials;
  const part = (name: string): string => given.get(name) ?? '';
  const ha1 = md5(`${username}:${realm}:${password}`);
  const ha2 = md5(`${method}:${part('uri')}`);
  if (!given.has('qop')) return md5(`${ha1}:${part('nonce')}:${ha2}`);
  return md5([ha1, part('nonce'), part('nc'), part('cnonce'), part('qop'), ha2].join(':'));
}

function parseDigest(header: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  if (!/^\s*digest\s/i.test(header)) return parts;
  for (const [, name = '', quoted, bare] of header.matchAll(/([a-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)) {
    parts.set(name.toLowerCase(), quoted ?? bare ?? '');
  }
  return parts;
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
