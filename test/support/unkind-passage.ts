import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from './seeded-random.js';

/**
 * What a connection may suffer. `reset` and `end`: it is over, by RST or by FIN. `tear`: the same in the middle
 * of what is just passing. `stall`: nothing passes for a while; `hush`: not in one direction. `delay`: from now
 * on everything comes late. `halfClose`: one direction ends, the other goes on. `double`: the client connects
 * once more at the same time, with the very same bytes.
 */
export const faultKinds = ['reset', 'end', 'tear', 'stall', 'hush', 'delay', 'halfClose', 'double'] as const;
export type FaultKind = (typeof faultKinds)[number];
export type Suffered = Record<FaultKind, number>;

export interface PassageOptions {
  random: () => number;
  meanMs: number;
  suffered: Suffered;
  /** Once aborted, nothing is done any more. */
  calm: AbortSignal;
}

const stallMs = 2_500;
const latenessMs = 60;
/** Milliseconds that a direction may go on alone. */
const halfOpenMs = 1_500;
/** What a client has said so far is kept for a double, up to so many bytes: the start and some requests. */
const repeatedBytes = 16_384;
/** Share of the connections that have a double from their first byte. */
const doubledShare = 0.1;

/** One direction of a connection. */
interface Lane {
  from: Socket;
  to: Socket;
  held: Promise<unknown>;
  latenessMs: number;
  /** Share of the next chunk that still passes before the connection breaks; null: all goes on. */
  tearAt: number | null;
  /** Its far end was told that nothing more comes; what does come is dropped. */
  hasEnded: boolean;
}

/** One client's connection on its way to a gateway. */
export class Passage {
  /** Resolves when the client's side has closed. */
  readonly over: Promise<void>;
  readonly #outbound: Socket;
  readonly #lanes: [Lane, Lane];
  readonly #doubles = new Set<Socket>();
  #said: Buffer[] = [];
  #saidBytes = 0;

  constructor(
    private readonly inbound: Socket,
    private readonly open: () => Socket,
    private readonly options: PassageOptions,
  ) {
    this.#outbound = open();
    const lane = (from: Socket, to: Socket): Lane => ({
      from,
      to,
      held: Promise.resolve(),
      latenessMs: 0,
      tearAt: null,
      hasEnded: false,
    });
    this.#lanes = [lane(inbound, this.#outbound), lane(this.#outbound, inbound)];
    for (const { from, to } of this.#lanes) {
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
    this.over = new Promise<void>((resolve) => {
      inbound.once('close', () => {
        for (const double of this.#doubles) double.destroy();
        resolve();
      });
    });
    if (!options.calm.aborted && options.random() < doubledShare) this.#double();
    for (const one of this.#lanes) void this.#pass(one);
    void this.#suffer();
  }

  reset(): void {
    this.inbound.resetAndDestroy();
    this.#outbound.resetAndDestroy();
  }

  /** Passes on one direction, chunk by chunk; who is held up does not read, so that the far side notices. */
  async #pass(lane: Lane): Promise<void> {
    const { from, to } = lane;
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        await lane.held;
        if (lane.latenessMs > 0) await this.#wait(lane.latenessMs);
        if (from === this.inbound) this.#repeat(chunk);
        if (lane.hasEnded) continue;
        if (lane.tearAt !== null && !this.options.calm.aborted) {
          to.write(chunk.subarray(0, Math.floor(chunk.length * lane.tearAt)), () => this.reset());
          return;
        }
        if (!to.write(chunk)) await drained(to);
      }
      to.end();
    } catch {
      // It broke; `close` ends the other side.
    }
  }

  async #suffer(): Promise<void> {
    const { random, meanMs, calm } = this.options;
    for (;;) {
      // Faults come as independent accidents do: their distances are spread exponentially.
      await this.#wait(-Math.log(1 - random()) * meanMs);
      if (calm.aborted || this.inbound.destroyed) return;
      this.#strike(pick(faultKinds, random));
    }
  }

  #strike(kind: FaultKind): void {
    const { random, suffered } = this.options;
    suffered[kind] += 1;
    const lane = pick(this.#lanes, random);
    const share = random();
    switch (kind) {
      case 'reset':
        return this.reset();
      case 'end':
        return void this.#lanes.map(({ to }) => to.end(() => to.destroy()));
      case 'tear':
        lane.tearAt = share;
        return;
      case 'stall':
        for (const one of this.#lanes) one.held = this.#wait(share * stallMs);
        return;
      case 'hush':
        lane.held = this.#wait(share * stallMs);
        return;
      case 'delay':
        for (const one of this.#lanes) one.latenessMs = share * latenessMs;
        return;
      case 'halfClose':
        lane.hasEnded = true;
        lane.to.end();
        return void this.#wait(halfOpenMs).then(() => this.reset());
      case 'double':
        return this.#double();
    }
  }

  /** What it is answered nobody reads, as when a client has given up a connection that lives on. */
  #double(): void {
    const double = this.open();
    this.#doubles.add(double);
    double.on('error', () => undefined);
    double.on('close', () => this.#doubles.delete(double));
    double.resume();
    for (const chunk of this.#said) double.write(chunk);
  }

  #repeat(chunk: Buffer): void {
    if (this.#saidBytes < repeatedBytes) this.#said.push(chunk);
    this.#saidBytes += chunk.length;
    for (const double of this.#doubles) double.write(chunk);
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.options.calm }).catch(() => undefined);
  }
}

/** Resolves when a socket takes more, or has closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
    if (socket.destroyed) done();
  });
}
