import { createHash } from 'node:crypto';
import { createProxyAuthenticator, demoCredentials } from '@dialstream/dialer/trunk-simulator/digest.js';
import { expect, test } from 'vitest';
import { authorize } from './authorize.js';

const uri = 'sip:+12025550196@127.0.0.1:5070';

test('the right credentials are accepted', () => {
  const authenticator = createProxyAuthenticator();
  const authorization = authorize({
    challenge: authenticator.challenge('call', false),
    uri,
    ...demoCredentials,
  });
  expect(authenticator.judge(authorization, 'INVITE', 'call')).toBe('accepted');
});

test('so are those of a client that does not know qop', () => {
  const authenticator = createProxyAuthenticator();
  const nonce = /nonce="([^"]+)"/.exec(authenticator.challenge('call', false))?.[1] ?? '';
  const ha1 = md5('demo:demo-trunk:demo');
  const response = md5(`${ha1}:${nonce}:${md5(`INVITE:${uri}`)}`);
  const parts = `username="demo", realm="demo-trunk", nonce="${nonce}", uri="${uri}", response="${response}"`;
  expect(authenticator.judge(`Digest ${parts}`, 'INVITE', 'call')).toBe('accepted');
});

test.each([
  ['a wrong password', { username: 'demo', password: 'wrong' }],
  ['an unknown user', { username: 'someone', password: 'demo' }],
])('%s is refused', (_, credentials) => {
  const authenticator = createProxyAuthenticator();
  const authorization = authorize({ challenge: authenticator.challenge('call', false), uri, ...credentials });
  expect(authenticator.judge(authorization, 'INVITE', 'call')).toBe('refused');
});

test.each(['', 'Basic ZGVtbzpkZW1v', 'Digest', 'Digest username="demo", realm="demo-trunk"'])(
  '"%s" is refused',
  (authorization) => {
    expect(createProxyAuthenticator().judge(authorization, 'INVITE', 'call')).toBe('refused');
  },
);

test('a nonce is good for one call, one minute and one process', () => {
  let now = 1_000_000;
  const authenticator = createProxyAuthenticator(() => now);
  const authorization = authorize({
    challenge: authenticator.challenge('call', false),
    uri,
    ...demoCredentials,
  });
  expect(authenticator.judge(authorization, 'INVITE', 'another call')).toBe('stale');
  expect(createProxyAuthenticator(() => now).judge(authorization, 'INVITE', 'call')).toBe('stale');
  now += 60_000;
  expect(authenticator.judge(authorization, 'INVITE', 'call')).toBe('stale');
  expect(authenticator.challenge('call', true)).toContain('stale=true');
});

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
