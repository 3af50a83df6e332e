import { EventEmitter } from 'node:events';
import type { DrachtioConnection, SipDialog, SipStack } from '@dialstream/dialer/sip/drachtio.js';
import { startTrunkSimulator, type TrunkSimulator } from '@dialstream/dialer/trunk-simulator/simulator.js';
import { beforeEach, expect, test, vi } from 'vitest';
import { log } from './agent.js';
import { offer } from './raw-caller.js';

/** A far end that does nothing: what would take minutes on a wire is seen under a clock of our own. */
class SilentFarEnd {
  readonly statuses: number[] = [];
  byes = 0;
  /** Whether the SIP server confirms a 200. */
  confirms = true;
  acknowledges = true;
  #admit: (request: unknown, response: unknown) => void = () => {};

  readonly stack = {
    options() {},
    invite: (listener: (request: unknown, response: unknown) => void) => {
      this.#admit = listener;
    },
    createUAS: () => (this.confirms ? Promise.resolve(this.#dialog()) : new Promise<never>(() => {})),
    removeDialog() {},
  } as unknown as SipStack;

  invite(number: string): void {
    const request = Object.assign(new EventEmitter(), {
      calledNumber: number,
      uri: `sip:${number}@127.0.0.1`,
      body: offer,
      get: () => 'call-id',
      getParsedHeader: () => ({ params: {} }),
    });
    this.#admit(request, { send: (status: number) => this.statuses.push(status) });
  }

  #dialog(): SipDialog {
    const dialog = Object.assign(new EventEmitter(), {
      connected: true,
      destroy: () => {
        this.byes += 1;
        return new Promise<never>(() => {});
      },
    });
    if (this.acknowledges) setImmediate(() => dialog.emit('ack'));
    return dialog as unknown as SipDialog;
  }
}

let farEnd: SilentFarEnd;
let simulator: TrunkSimulator;

beforeEach(() => {
  vi.useFakeTimers();
  farEnd = new SilentFarEnd();
  const connection = { stack: farEnd.stack, onLost: () => () => {} } as unknown as DrachtioConnection;
  simulator = startTrunkSimulator({ connection, log });
  return () => vi.useRealTimers();
});

async function passSeconds(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1_000);
}

function expectNothingLeft(): void {
  expect(simulator.stats().active).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
}

test('an answer that nobody acknowledges is hung up, and a BYE that nobody answers is forgotten', async () => {
  farEnd.acknowledges = false;
  farEnd.invite('99');
  await passSeconds(34);
  expect(farEnd.byes).toBe(0);
  await passSeconds(2);
  expect(farEnd.byes).toBe(1);
  await passSeconds(35);
  expectNothingLeft();
});

test('a conversation ends by itself when its BYE is not answered', async () => {
  farEnd.invite('99');
  await passSeconds(8 + 36);
  expect(farEnd.byes).toBe(1);
  expectNothingLeft();
});

test('an answer that the SIP server never confirms is forgotten', async () => {
  farEnd.confirms = false;
  farEnd.invite('99');
  await passSeconds(35 + 36);
  expectNothingLeft();
});

test('a phone that nobody stops ringing is silenced', async () => {
  farEnd.invite('70');
  await passSeconds(171);
  expect(farEnd.statuses).toEqual([180, 480]);
  expectNothingLeft();
});

test('an INVITE that was left unanswered is set free after its caller has given up', async () => {
  farEnd.invite('93');
  await passSeconds(33);
  expect(farEnd.statuses).toEqual([]);
  await passSeconds(8);
  expectNothingLeft();
});

test('stopping waits 5 s for a BYE and leaves no timer', async () => {
  farEnd.invite('99');
  farEnd.invite('70');
  await passSeconds(1);
  const stopped = simulator.stop();
  await passSeconds(6);
  await stopped;
  expect(farEnd.statuses).toEqual([180, 503]);
  expect(farEnd.byes).toBe(1);
  expectNothingLeft();
});
