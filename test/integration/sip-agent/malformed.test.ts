import { sdp, unique } from './support/messages.js';
import { describe, expect, test, until } from './support/fixtures.js';
import type { FarEnd } from './support/far-end.js';
import type { Phone } from './support/phone.js';

/** After whatever came, a call goes as ever. */
async function callWorks(phone: Phone, far: FarEnd): Promise<void> {
  const call = phone.place(`sip:x@127.0.0.1:${far.port};transport=${far.transport}`);
  const invite = await far.request('INVITE');
  far.reply(invite, 180);
  far.answer(invite);
  const dialog = await call.dialog;
  await far.request('ACK');
  const ended = dialog.destroy();
  far.reply(await far.request('BYE'), 200);
  await ended;
}

const drop = (name: string) => (text: string) => text.replace(new RegExp(`${name}:[^\r]*\r\n`, 'i'), '');

describe('a malformed request that can be answered gets a 400', () => {
  for (const [what, spoil] of [
    ['a CSeq that is no number', (text) => text.replace('CSeq: 1 ', 'CSeq: one ')],
    ['a CSeq beyond 2**31', (text) => text.replace('CSeq: 1 ', 'CSeq: 4294967296 ')],
    ['a CSeq of another method', (text) => text.replace('1 OPTIONS', '1 INFO')],
    ['an empty CSeq', (text) => text.replace('CSeq: 1 OPTIONS', 'CSeq:  OPTIONS')],
    ['a Content-Length beyond the datagram', (text) => text.replace('Length: 0', 'Length: 99')],
    ['a Content-Length that is no number', (text) => text.replace('Length: 0', 'Length: -1')],
    ['a header without a name', (text) => text.replace('Max-Forwards: 70', ': 70')],
    ['a header with a space in its name', (text) => text.replace('Max-Forwards: 70', 'Max Forwards: 70')],
    ['a header with a lone line feed', (text) => text.replace('Max-Forwards: 70', 'X: y\nVia: z')],
    ['a header without a colon', (text) => text.replace('Max-Forwards: 70', 'nothing')],
  ] as [string, (text: string) => string][]) {
    test(what, async ({ phone, far, stage }) => {
      // The rest stands before what is wrong.
      const lines = far.out('OPTIONS').split('\r\n');
      const wrong = lines.filter((line) => line.startsWith('Max-Forwards'));
      const text = [
        ...lines.filter((line) => !line.startsWith('Max-Forwards')).slice(0, -2),
        ...wrong,
        '',
        '',
      ];
      far.send(spoil(text.join('\r\n')));
      await far.response(400);
      expect(stage.agent.stats().dropped).toBe(1);
      await callWorks(phone, far);
    });
  }
});

describe('what is no request, or says not enough of itself, is dropped and counted', () => {
  for (const [what, spoil] of [
    ['no Via', drop('Via')],
    ['no From', drop('From')],
    ['no To', drop('To')],
    ['no Call-ID', drop('Call-ID')],
    ['no CSeq', drop('CSeq')],
    ['another version', (text) => text.replace('SIP/2.0\r\n', 'SIP/3.0\r\n')],
    ['no URI', (text) => text.replace(/^OPTIONS \S+/, 'OPTIONS')],
    ['a method that is no token', (text) => text.replace(/^OPTIONS/, 'OPT"IONS')],
    ['a status of four digits', (text) => text.replace(/^OPTIONS.*/, 'SIP/2.0 2000 OK')],
    ['a status of letters', (text) => text.replace(/^OPTIONS.*/, 'SIP/2.0 abc OK')],
    ['a status of zero', (text) => text.replace(/^OPTIONS.*/, 'SIP/2.0 000 OK')],
    ['only a start line', (text) => text.split('\r\n')[0] ?? ''],
    ['bytes of no kind', () => Buffer.from([0, 255, 254, 1, 2, 3, 128, 200]).toString('latin1')],
    ['HTTP', () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a thousand colons', () => ':'.repeat(1_000)],
    ['a thousand headers', (text) => text.replace('\r\n\r\n', `\r\n${'X: y\r\n'.repeat(1_000)}\r\n`)],
    ['sixty thousand spaces', () => `OPTIONS${' '.repeat(60_000)}`],
    ['sixty thousand folds', (text) => text.replace('Via:', `X:${'\r\n '.repeat(20_000)}\r\nVi a:`)],
    ['a lone line feed for line ends', (text) => text.replaceAll('\r\n', '\n')],
  ] as [string, (text: string) => string][]) {
    test(what, async ({ phone, far, stage }) => {
      far.send(spoil(far.out('OPTIONS')));
      await far.barrier();
      expect(stage.agent.stats().dropped).toBe(1);
      expect(far.seen).toHaveLength(1);
      await callWorks(phone, far);
    });
  }
});

describe('what is unusual, but SIP, is understood', () => {
  for (const [what, bend] of [
    [
      'compact names',
      (text) =>
        text
          .replace('Via:', 'v:')
          .replace('From:', 'f:')
          .replace('To:', 't:')
          .replace('Call-ID:', 'i:')
          .replace('Contact:', 'm:')
          .replace('Content-Length:', 'l:'),
    ],
    ['names in any case', (text) => text.replace('Via:', 'VIA:').replace('Call-ID:', 'call-id:')],
    ['folded lines', (text) => text.replace('CSeq: 1 ', 'CSeq:\r\n\t1\r\n  ')],
    ['spaces before the colon', (text) => text.replace('Via:', 'Via \t:')],
    [
      'two Vias in a line',
      (text) => text.replace(/(Via: [^\r]*)/, '$1, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKo'),
    ],
    ['a tag in capitals', (text) => text.replace(';tag=', ';TAG=')],
    ['a display name with a comma and an angle', (text) => text.replace('From: ', 'From: "a, <b>" ')],
    ['a URI without angles', (text) => text.replace(/To: <([^>]*)>/, 'To: $1')],
    ['no Content-Length over UDP', drop('Content-Length')],
    ['an extension method', (text) => text],
  ] as [string, (text: string) => string][]) {
    test(what, async ({ far, stage }) => {
      far.send(bend(far.out('OPTIONS')));
      await far.response(200);
      expect(stage.agent.stats().dropped).toBe(0);
    });
  }

  test('a method that nobody knows', async ({ far }) => {
    far.send(far.out('JUMP'));
    await far.response(405);
  });

  test('empty lines to keep a path open', async ({ far, stage }) => {
    far.send('\r\n\r\n');
    far.send('');
    await far.barrier();
    expect(stage.agent.stats().dropped).toBe(0);
  });
});

describe('malformed answers to an INVITE', () => {
  for (const [what, spoil] of [
    ['no CSeq', drop('CSeq')],
    ['no To', drop('To')],
    ['a second Via', (text) => text.replace('Via:', 'Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nVia:')],
    ['another branch', (text) => text.replace('branch=', 'branch=x')],
    ['a Content-Length too long', (text) => text.replace('Length: 0', 'Length: 5')],
  ] as [string, (text: string) => string][]) {
    test(`one with ${what} does not end it`, async ({ phone, far }) => {
      const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
      const invite = await far.request('INVITE');
      far.send(spoil(busy(invite)));
      await far.barrier();
      far.answer(invite);
      await call.dialog;
    });
  }
});

describe('over TCP', () => {
  test('messages are cut wherever they are split', async ({ stage }) => {
    const far = await stage.tcp();
    far.socket.setNoDelay(true);
    const text = far.out('OPTIONS', { headers: ['Content-Type: text/plain'], body: 'grüße' });
    for (const byte of Buffer.from(text)) {
      far.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await far.response(200);
  });

  test('messages that come merged are told apart, keep-alives between them too', async ({ stage }) => {
    const far = await stage.tcp();
    const three = [1, 2, 3].map(() =>
      far.out('OPTIONS', { headers: ['Content-Type: application/sdp'], body: sdp }),
    );
    far.send(`\r\n\r\n${three.join('\r\n\r\n')}`);
    await far.response(200);
    await far.response(200);
    await far.response(200);
  });

  test('a call goes over a connection of the far end as well', async ({ stage, phone }) => {
    const far = await stage.tcp();
    await callWorks(phone, far);
  });

  for (const [what, garbage] of [
    ['a Content-Length that is no number', (far) => far.out('OPTIONS').replace('Length: 0', 'Length: x')],
    [
      'a Content-Length beyond all measure',
      (far) => far.out('OPTIONS').replace('Length: 0', 'Length: 999999'),
    ],
    ['headers without end', () => `OPTIONS sip:x SIP/2.0\r\nX: ${'y'.repeat(70_000)}`],
    ['spaces that would take a regular expression for ever', () => `l:${' '.repeat(60_000)}x y\r\n\r\n`],
  ] as [string, (far: FarEnd) => string][]) {
    test(`${what} closes the connection, and nothing else`, async ({ stage, phone, far: other }) => {
      const far = await stage.tcp();
      far.send(garbage(far));
      await new Promise((resolve) => far.socket.once('close', resolve));
      expect(stage.agent.stats().dropped).toBe(1);
      await callWorks(phone, other);
    });
  }

  test('a malformed request is answered with 400, and the connection goes on', async ({ stage }) => {
    const far = await stage.tcp();
    far.send(far.out('OPTIONS').replace('CSeq: 1', 'CSeq: x'));
    await far.response(400);
    await far.barrier();
  });
});

test('thousands of hostile messages at random leave the agent well', async ({ phone, far, stage }) => {
  const seed = far.out('INVITE', { callId: unique('fuzz'), body: sdp });
  let state = 42;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  for (let i = 0; i < 3_000; i += 1) {
    const bytes = Buffer.from(seed);
    for (let n = random(8); n >= 0; n -= 1) bytes[random(bytes.length)] = random(256);
    far.send(random(3) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(
    () => stage.agent.stats().dropped > 100,
    () => 'garbage that was counted',
  );
  const fresh = await stage.udp();
  await callWorks(phone, fresh);
});

function busy(invite: { text: string; all(name: string): string[]; get(name: string): string }): string {
  return [
    'SIP/2.0 486 Busy',
    `Via: ${invite.get('via')}`,
    `From: ${invite.get('from')}`,
    `To: ${invite.get('to')};tag=far`,
    `Call-ID: ${invite.get('call-id')}`,
    `CSeq: ${invite.get('cseq')}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
