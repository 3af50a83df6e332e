import net from 'node:net';
import { once } from 'node:events';
import { describe, expect, portOf, secret, startAgent, test, until } from './support/fixtures.js';
import { connectAdmin, type RawAdmin } from './support/admin.js';
import { connectPhone } from './support/phone.js';

const admin = test.extend('raw', async ({ stage }, { onCleanup }): Promise<RawAdmin> => {
  const raw = await connectAdmin(stage.agent.adminPort);
  onCleanup(() => raw.close());
  return raw;
});

const authenticated = admin.extend('known', async ({ raw }) => {
  raw.send(`1|authenticate|${secret}|`);
  await raw.next();
  return raw;
});

describe('the secret', () => {
  admin('opens the door, and the agent tells its addresses', async ({ raw, stage }) => {
    raw.send(`m1|authenticate|${secret}|tag`);
    const [, kind, msgId, verdict, addresses] = (await raw.next()).split('|');
    expect([kind, msgId, verdict]).toEqual(['response', 'm1', 'OK']);
    expect(addresses).toBe(`udp/127.0.0.1:${stage.udpPort},tcp/127.0.0.1:${stage.tcpPort}`);
  });

  for (const wrong of ['', 'wrong', `${secret}x`, secret.slice(1)]) {
    admin(`"${wrong}" is refused, and the connection closed`, async ({ raw, stage }) => {
      raw.send(`m1|authenticate|${wrong}|`);
      expect(await raw.next()).toContain('|response|m1|NOK|');
      await raw.closed;
      expect(stage.agent.stats().clients).toBe(0);
    });
  }

  for (const command of ['ping', 'route|INVITE', 'sip||\r\nOPTIONS sip:127.0.0.1 SIP/2.0\r\n\r\n']) {
    admin(`nothing is done before it: ${command.split('|')[0]}`, async ({ raw, far }) => {
      raw.send(`m1|${command.replace('127.0.0.1', `127.0.0.1:${far.port}`)}`);
      expect(await raw.next()).toContain('|response|m1|NOK|');
      await raw.closed;
      await far.barrier();
      expect(far.seen.every(({ status }) => status === 200)).toBe(true);
    });
  }

  admin('what follows a wrong one in the same packet is not done', async ({ raw, stage, far }) => {
    const frame = (payload: string): string => `${payload.length}#${payload}`;
    raw.raw(frame('m1|authenticate|wrong|') + frame(`m2|authenticate|${secret}|`) + frame('m3|route|INVITE'));
    expect(await raw.next()).toContain('|m1|NOK|');
    await raw.closed;
    far.send(far.out('INVITE'));
    await far.response(480);
    expect(stage.agent.stats().clients).toBe(0);
  });

  test('drachtio-srf with a wrong one is told so', async ({ stage }) => {
    await expect(connectPhone(stage.agent.adminPort, 'wrong')).rejects.toThrow('failed to authenticate');
  });
});

describe('frames', () => {
  authenticated('are put together from any pieces', async ({ known }) => {
    for (const byte of '6#m|ping6#n|ping') {
      known.raw(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await known.next()).toContain('|response|m|OK');
    expect(await known.next()).toContain('|response|n|OK');
  });

  authenticated('count bytes, not letters', async ({ known }) => {
    known.send('grüße|ping');
    known.send('m|ping');
    expect(await known.next()).toContain('|response|grüße|OK');
    expect(await known.next()).toContain('|response|m|OK');
  });

  for (const [what, bytes] of [
    ['no length', 'hello#'],
    ['a negative length', '-5#hello'],
    ['a length beyond the limit', '70000#m|ping'],
    ['an endless length', '1'.repeat(100)],
    ['no digits at all', '#'],
  ] as const) {
    authenticated(`${what} closes the connection with a reason`, async ({ known, stage }) => {
      known.raw(bytes);
      expect(await known.next()).toContain('|NOK|');
      await known.closed;
      await until(
        () => stage.agent.stats().clients === 0,
        () => 'the client is gone',
      );
    });
  }
});

describe('commands', () => {
  authenticated('that nobody knows are refused', async ({ known }) => {
    known.send('m|dance|now');
    expect(await known.next()).toMatch(/\|response\|m\|NOK\|.*dance/);
    known.send('m');
    expect(await known.next()).toContain('|NOK|');
  });

  for (const text of ['', 'hello', 'INVITE\r\n\r\n', 'INVITE sip:x SIP/2.0\r\nno header\r\n\r\n']) {
    authenticated(`a SIP message that is none is refused: ${JSON.stringify(text)}`, async ({ known }) => {
      known.send(`m|sip||\r\n${text}`);
      expect(await known.next()).toContain('|response|m|NOK|');
    });
  }

  authenticated('an answer to nothing is refused', async ({ known }) => {
    known.send('m|sip|no-such-transaction|\r\nSIP/2.0 200 OK\r\n\r\n');
    expect(await known.next()).toContain('|response|m|NOK|unable to find transaction');
  });

  authenticated('a request in a dialog that does not exist is refused', async ({ known }) => {
    known.send('m|sip||no-such;from-tag=x\r\nINFO sip:placeholder SIP/2.0\r\n\r\n');
    expect(await known.next()).toContain('|response|m|NOK|unable to find dialog');
  });

  authenticated('a route is taken back', async ({ known, far }) => {
    known.send('a|route|MESSAGE');
    await known.next();
    far.send(far.out('MESSAGE'));
    expect(await known.next()).toMatch(
      /^[0-9a-f-]{36}\|sip\|network\|\d+\|udp\|127.0.0.1\|\d+\|[\d:.]+\|[0-9a-f-]{36}\|/,
    );
    known.send('b|remove_route|MESSAGE');
    await known.next();
    far.send(far.out('MESSAGE'));
    await far.response(405);
  });
});

describe('ports that are taken', () => {
  test('one for SIP is named with its variable', async ({ stage }) => {
    const taken = { transport: 'udp', host: '127.0.0.1', port: stage.udpPort } as const;
    await expect(startAgent({ sip: [taken] })).rejects.toThrow(
      `SIP_BIND: udp:127.0.0.1:${stage.udpPort} is in use`,
    );
  });

  test('one for drachtio-srf is named with its variable, and SIP is let go', async ({ stage }) => {
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as net.AddressInfo;
    free.close();
    const sip = [{ transport: 'tcp', host: '127.0.0.1', port }] as const;
    const { adminPort } = stage.agent;
    await expect(startAgent({ sip, adminPort })).rejects.toThrow(
      `DRACHTIO_PORT: 127.0.0.1:${adminPort} is in use`,
    );
    const second = await startAgent({ sip });
    expect(portOf(second, 'tcp')).toBe(port);
    await second.close();
  });
});
