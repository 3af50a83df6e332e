import { describe, expect, test } from './support/fixtures.js';
import { reply, unique } from './support/messages.js';
import type { FarEnd } from './support/far-end.js';
import type { Phone } from './support/phone.js';

/** Messages that an agent could pass on, but that would break or deceive the application behind it. */

async function callWorks(phone: Phone, far: FarEnd): Promise<void> {
  const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
  const invite = await far.request('INVITE');
  far.answer(invite);
  const dialog = await call.dialog;
  const ended = dialog.destroy();
  far.reply(await far.request('BYE'), 200);
  await ended;
}

const contacts = ['', ';x', '<sip:a@b>,', '<sip:a@b>, ;x', '<sip:a b@c>', '<sip:a@b', 'sip:a@b c', '"x" ;y'];
const parties = ['', ';tag=x', '<sip:a@b', '"never closed <sip:a@b>;tag=x', '<sip:a@b> junk;tag=x'];
const tags = ['a|b', 'a b', '<a>', '"a"', ''];

describe('an INVITE is refused with 400 when it has', () => {
  for (const [what, spoil] of [
    ...contacts.map((value) => [`the Contact "${value}"`, replaced('Contact', value)] as const),
    ...parties.map((value) => [`the From "${value}"`, replaced('From', value)] as const),
    ...parties.map((value) => [`the To "${value}"`, replaced('To', value)] as const),
    ...tags.map((tag) => [`the From tag "${tag}"`, replaced('From', `<sip:a@b>;tag=${tag}`)] as const),
    ['a Call-ID with the bar of the admin protocol', replaced('Call-ID', 'a|b|c')],
    ['no Contact', (text: string) => text.replace(/\r\nContact:[^\r]*/, '')],
    ['two Call-IDs', doubled('Call-ID')],
    ['two Froms', doubled('From')],
    ['two Tos', doubled('To')],
    ['two CSeqs', doubled('CSeq')],
    ['two lengths', doubled('Content-Length')],
    ['a Via that is none', replaced('Via', 'nonsense')],
    ['a URI without a scheme', (text: string) => text.replace(/^INVITE \S+/, 'INVITE nobody')],
    ['a URI in angles', (text: string) => text.replace(/^INVITE (\S+)/, 'INVITE <$1>')],
  ] as [string, (text: string) => string][]) {
    test(what, async ({ phone, far, stage }) => {
      let calls = 0;
      phone.onRequest('invite', () => {
        calls += 1;
      });
      far.send(spoil(far.out('INVITE', { callId: unique('hostile') })));
      await far.barrier();
      expect(stage.agent.stats().dropped).toBe(1);
      expect(far.seen.map(({ status }) => status).filter((status) => status !== 400)).toEqual([200]);
      expect(calls).toBe(0);
      await callWorks(phone, far);
    });
  }
});

describe('an answer is dropped, and a good one after it taken, when it has', () => {
  for (const status of [180, 200, 302]) {
    for (const contact of contacts) {
      test(`${status} and the Contact "${contact}"`, async ({ phone, far }) => {
        const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { followRedirects: true });
        const invite = await far.request('INVITE');
        far.reply(invite, status, { headers: [`Contact: ${contact}`, 'RSeq: x'] });
        far.reply(invite, 486);
        expect((await call.failure).status).toBe(486);
      });
    }
  }

  for (const to of [...parties, ...tags.map((tag) => `<sip:a@b>;tag=${tag}`)]) {
    test(`the To "${to}"`, async ({ phone, far }) => {
      const call = phone.place(`sip:x@127.0.0.1:${far.port}`);
      const invite = await far.request('INVITE');
      far.send(replaced('To', to)(reply(invite, 200, { headers: [`Contact: ${far.contact}`] })));
      far.reply(invite, 486);
      expect((await call.failure).status).toBe(486);
    });
  }
});

test('a challenge of nonsense ends the call, nothing else', async ({ phone, far }) => {
  for (const challenge of ['Digest', 'Digest ,,,=', 'Basic realm="x"', `Digest ${'a="b",'.repeat(500)}`]) {
    const call = phone.place(`sip:x@127.0.0.1:${far.port}`, { auth: { username: 'me', password: 'pw' } });
    far.reply(await far.request('INVITE'), 401, { headers: [`WWW-Authenticate: ${challenge}`] });
    far.reply(await far.request('INVITE'), 403);
    expect((await call.failure).status).toBe(403);
  }
  await callWorks(phone, far);
});

function replaced(name: string, value: string): (text: string) => string {
  return (text) => text.replace(new RegExp(`\r\n${name}:[^\r]*`), () => `\r\n${name}: ${value}`);
}

function doubled(name: string): (text: string) => string {
  return (text) => text.replace(new RegExp(`(\r\n${name}:)([^\r]*)`), '$1$2$1 9$2');
}
