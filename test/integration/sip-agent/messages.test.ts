import { addressOf, paramOf, splitValues, uriOf } from '@dialstream/dialer/sip-agent/header-values.js';
import {
  cseqOf,
  MalformedError,
  parseMessage,
  SipMessage,
  trimBody,
} from '@dialstream/dialer/sip-agent/message.js';
import { describe, expect, test } from './support/fixtures.js';

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;

test('what is written is what was read, with its length counted', () => {
  const text = lines(
    'INVITE sip:a@b;x=1 SIP/2.0',
    'Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2',
    'X-Odd-NAME:  spaces around  ',
    'X-Empty:',
  );
  const message = parseMessage(`${text}grüße`);
  expect(message.toString()).toBe(
    `${[
      'INVITE sip:a@b;x=1 SIP/2.0',
      'Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2',
      'X-Odd-NAME: spaces around',
      'X-Empty: ',
      'Content-Length: 7',
    ].join('\r\n')}\r\n\r\ngrüße`,
  );
  expect(parseMessage(message.toString()).toString()).toBe(message.toString());
});

test('compact names, any case and spaces before the colon mean the same header', () => {
  const message = parseMessage(
    lines('BYE sip:a SIP/2.0', 'v: via', 'F : from', 'T\t: to', 'i: call', 'CALL-ID: two', 'm: <sip:c>'),
  );
  expect(['Via', 'from', 'TO', 'contact'].map((name) => message.get(name))).toEqual([
    'via',
    'from',
    'to',
    '<sip:c>',
  ]);
  expect(message.all('i')).toEqual(['call', 'two']);
});

test('folded lines are one', () => {
  const message = parseMessage(lines('BYE sip:a SIP/2.0', 'Subject: one', '  two', '\tthree', 'To: x'));
  expect(message.get('subject')).toBe('one two three');
  expect(message.get('to')).toBe('x');
});

test('a response says its status and reason, even none', () => {
  expect(parseMessage(lines('SIP/2.0 486 Busy Here'))).toMatchObject({ status: 486, reason: 'Busy Here' });
  expect(parseMessage(lines('SIP/2.0 200'))).toMatchObject({ status: 200, reason: '' });
});

describe('is no message', () => {
  for (const [what, text] of Object.entries({
    'an empty line': '\r\n\r\n',
    'a word': 'hello',
    'another protocol': lines('GET / HTTP/1.1', 'Host: x'),
    'another version': lines('INVITE sip:a SIP/3.0'),
    'no method': lines(' sip:a SIP/2.0'),
    'a method that is no token': lines('IN(VITE sip:a SIP/2.0'),
    'no URI': lines('INVITE  SIP/2.0'),
    'a URI with a space': lines('INVITE sip:a b SIP/2.0'),
    'a URI with a tab': lines('INVITE sip:a\tb SIP/2.0'),
    'a status below 100': lines('SIP/2.0 099 Odd'),
    'a status above 699': lines('SIP/2.0 700 Odd'),
    'a status that is no number': lines('SIP/2.0 2x0 Odd'),
    'a status of two digits': lines('SIP/2.0 20'),
    'a header without colon': lines('BYE sip:a SIP/2.0', 'nothing here'),
    'a header without name': lines('BYE sip:a SIP/2.0', ': value'),
    'a header name with a space inside': lines('BYE sip:a SIP/2.0', 'two words: value'),
    'a fold where no header is': lines(' BYE sip:a SIP/2.0'),
    'a bare line feed': lines('BYE sip:a SIP/2.0', 'To: x\nEvil: yes'),
    'a bare carriage return': lines('BYE sip:a SIP/2.0', 'To: x\rEvil: yes'),
    'a NUL': lines('BYE sip:a SIP/2.0', 'To: x\0y'),
    'a bare line feed in the reason': lines('SIP/2.0 200 O\nK'),
    'too many headers': lines('BYE sip:a SIP/2.0', ...Array.from({ length: 300 }, () => 'X: y')),
    'a header without end': lines('BYE sip:a SIP/2.0', `X: ${'y'.repeat(20_000)}`),
  })) {
    test(what, () => {
      expect(() => parseMessage(text)).toThrow(MalformedError);
    });
  }
});

test('a body is cut to its Content-Length in bytes; one that is too short, or a length that is none, is refused', () => {
  const withBody = (length: string, body: string): SipMessage =>
    parseMessage(`${lines('BYE sip:a SIP/2.0', `l: ${length}`)}${body}`);
  expect(trimBody(withBody('4', 'äöü')).body).toBe('äö');
  expect(trimBody(withBody('0', 'rest')).body).toBe('');
  expect(trimBody(parseMessage(`${lines('BYE sip:a SIP/2.0')}rest`)).body).toBe('rest');
  for (const length of ['7', '-1', '1.5', '0x1', '', '1e1', '9'.repeat(400)]) {
    expect(() => trimBody(withBody(length, 'äöü'))).toThrow(MalformedError);
  }
});

test.for<[string, ReturnType<typeof cseqOf>]>([
  ['1 INVITE', { number: 1, method: 'INVITE' }],
  ['4294967295 BYE', null],
  ['2147483647   BYE', { number: 2_147_483_647, method: 'BYE' }],
  ['-1 BYE', null],
  ['1BYE', null],
  ['BYE', null],
  [`${'9'.repeat(5_000)} BYE`, null],
  ['1 BYE BYE', null],
])('CSeq %s', ([value, expected]) => {
  expect(cseqOf(SipMessage.request('X', 'sip:a').add('CSeq', value))).toEqual(expected);
});

test.for<[string, string | undefined]>([
  ['<sip:a;tag=uri>;tag=header', 'header'],
  ['<sip:a;tag=uri>', undefined],
  ['"x;tag=quoted" <sip:a>; TAG = spaced ', 'spaced'],
  ['"x>;tag=quoted" <sip:a>;tag=real', 'real'],
  ['sip:a;tag=bare', 'bare'],
  ['<sip:a>;tag', ''],
  ['<sip:a>;mytag=x;tag=y', 'y'],
  [';'.repeat(60_000), undefined],
])('the tag of %s', ([value, tag]) => {
  expect(paramOf(value, 'tag')).toBe(tag);
});

test('values are split at commas, but not inside of quotes and brackets', () => {
  expect(splitValues(['<sip:a,b>, "x, \\" y" <sip:c>;p=1', 'sip:d,,'])).toEqual([
    '<sip:a,b>',
    '"x, \\" y" <sip:c>;p=1',
    'sip:d',
  ]);
  expect(splitValues([','.repeat(60_000)])).toEqual([]);
});

test('the URI of a value stands in its brackets, or before its parameters', () => {
  expect(uriOf('"x" <sip:a;lr>;p')).toBe('sip:a;lr');
  expect(uriOf('"<sip:fake>" <sip:a>')).toBe('sip:a');
  expect(uriOf('sip:a;p=1')).toBe('sip:a');
  expect(uriOf('<sip:never-closed')).toBe('');
});

test.for<[string, ReturnType<typeof addressOf>]>([
  ['sip:a@10.0.0.1', { transport: 'udp', host: '10.0.0.1', port: 5060 }],
  ['SIP:10.0.0.1:5070;transport=TCP', { transport: 'tcp', host: '10.0.0.1', port: 5070 }],
  ['sip:a:pw@host.example;lr', { transport: 'udp', host: 'host.example', port: 5060 }],
  ['sip:[::1]:5061', { transport: 'udp', host: '::1', port: 5061 }],
  ['sip:a@h:0', null],
  ['sip:a@h:70000', null],
  ['sip:a@h;transport=sctp', null],
  ['sips:a@h', null],
  ['tel:+4930', null],
  ['sip:', null],
  ['sip:a@', null],
  ['', null],
])('%s leads to', ([uri, address]) => {
  expect(addressOf(uri)).toEqual(address);
});
