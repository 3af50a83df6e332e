import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { startSipp } from '../../support/sipp.js';
import { expect, test, untilIdle } from './support/fixtures.js';
import { read, reply, sdp, type Message } from './support/messages.js';

/** Slow enough for a busy machine to keep up with, and 64*T1 is 2.56 s still. */
const timers = { t1: 40, t2: 320, t4: 400, c: 30_000 };
const paced = test.extend('options', { timers });

paced(
  '300 calls at 100 a second all end well, and leave nothing',
  async ({ phone, stage, onTestFinished }) => {
    const sipp = await startSipp({ scenario: 'answer', port: await freePort(), values: { ringMs: 20 } });
    onTestFinished(() => sipp.stop());
    const calls: Promise<void>[] = [];
    const begin = performance.now();
    while (calls.length < 300) {
      for (let due = (performance.now() - begin) / 10; calls.length < Math.min(due, 300);) {
        const call = phone.place(`sip:${calls.length}@127.0.0.1:${sipp.port}`);
        calls.push(call.dialog.then(async (dialog) => void (await dialog.destroy())));
      }
      await wait(5);
    }

    await Promise.all(calls);

    await expect
      .poll(() => sipp.calls(), { timeout: 5_000 })
      .toMatchObject({ open: 0, failed: 0, succeeded: 300 });
    await untilIdle(stage.agent);
    expect(stage.agent.stats()).toEqual({
      clients: 1,
      clientTransactions: 0,
      serverTransactions: 0,
      invites: 0,
      incoming: 0,
      dialogs: 0,
      dropped: 0,
    });
  },
);

paced(
  'calls over a path that loses every third datagram all come through',
  async ({ phone, stage, onTestFinished }) => {
    const far = await lossyFarEnd();
    onTestFinished(() => far.close());

    const placed = Array.from({ length: 60 }, (_, i) => phone.place(`sip:${i}@127.0.0.1:${far.port}`));
    const dialogs = await Promise.all(placed.map(({ dialog }) => dialog));
    // An ACK that was lost is sent again when the answer is: all get theirs in the end.
    await expect.poll(() => far.acknowledged(), { timeout: 5_000 }).toBe(60);
    await Promise.all(dialogs.map((dialog) => dialog.destroy()));

    expect(far.ended()).toBe(60);
    expect(far.lost()).toBeGreaterThan(60);
    await untilIdle(stage.agent);
  },
);

/** Rings, answers and hangs up as it should, but every third datagram is lost, on its way in or out. */
async function lossyFarEnd() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const acknowledged = new Set<string>();
  const ended = new Set<string>();
  let count = 0;
  let lost = 0;
  const loses = (): boolean => {
    count += 1;
    if (count % 3 !== 0) return false;
    lost += 1;
    return true;
  };
  const timersOf = new Map<string, NodeJS.Timeout>();

  function take(message: Message, send: (text: string) => void): void {
    const callId = message.get('call-id');
    if (message.method === 'INVITE') {
      send(reply(message, 180));
      const answer = reply(message, 200, { body: sdp, headers: [`Contact: <sip:far@127.0.0.1:${port}>`] });
      send(answer);
      if (!timersOf.has(callId))
        timersOf.set(
          callId,
          setInterval(() => send(answer), timers.t1 * 2),
        );
    } else if (message.method === 'ACK') {
      acknowledged.add(callId);
      clearInterval(timersOf.get(callId));
    } else if (message.method === 'BYE') {
      ended.add(callId);
      send(reply(message, 200));
    }
  }

  socket.on('message', (bytes, { port: from }) => {
    const send = (text: string): void => void (loses() || socket.send(text, from, '127.0.0.1'));
    if (!loses()) take(read(bytes.toString()), send);
  });
  return {
    port,
    acknowledged: () => acknowledged.size,
    ended: () => ended.size,
    lost: () => lost,
    async close() {
      for (const timer of timersOf.values()) clearInterval(timer);
      await new Promise<void>((resolve) => {
        socket.close(() => resolve());
      });
    },
  };
}
