import { createHash } from 'node:crypto';

/** What a caller answers to a Digest challenge with `qop="auth"` (RFC 2617 section 3.2.2). */
export function authorize(request: {
  challenge: string;
  uri: string;
  username: string;
  password: string;
}): string {
  const { challenge, uri, username, password } = request;
  const part = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  const [realm, nonce, nc, cnonce] = [part('realm'), part('nonce'), '00000001', 'c0ffee'];
  const ha1 = md5(`${username}:${realm}:${password}`);
  const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${md5(`INVITE:${uri}`)}`);
  return (
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
    `response="${response}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"`
  );
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
