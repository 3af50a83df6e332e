import { once, setMaxListeners } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Passage, type Suffered } from './unkind-passage.js';
import { seededRandom } from './seeded-random.js';

export interface UnkindProxyOptions {
  /** Ports on loopback; each connection goes to one of them. */
  targets: readonly number[];
  seed: number;
  /** Mean milliseconds between two faults of one connection. */
  meanMs: number;
}

/**
 * Passes TCP connections on and does to them what networks do. What connection n of a door suffers, and when
 * in its life, follows from the seed, the door and n alone, whatever the others do meanwhile.
 */
export class UnkindProxy {
  /** How often each fault was done. */
  readonly suffered: Suffered = {
    reset: 0,
    end: 0,
    tear: 0,
    stall: 0,
    hush: 0,
    delay: 0,
    halfClose: 0,
    double: 0,
  };
  connections = 0;
  readonly #doors: Server[] = [];
  readonly #passages = new Set<Passage>();
  readonly #calm = new AbortController();

  constructor(private readonly options: UnkindProxyOptions) {
    setMaxListeners(0, this.#calm.signal);
  }

  /** One more address to connect to. Gives its URL. */
  async door(): Promise<string> {
    const no = this.#doors.length + 1;
    let connections = 0;
    // Half-open on purpose: the end of one direction must not end the other.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (inbound) => {
      connections += 1;
      this.#admit(inbound, no, connections);
    });
    this.#doors.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** From now on nothing more is done to anybody, and what was held up goes on. */
  calm(): void {
    this.#calm.abort();
  }

  close(): void {
    this.calm();
    for (const door of this.#doors) door.close();
    for (const passage of this.#passages) passage.reset();
  }

  #admit(inbound: Socket, door: number, connection: number): void {
    const { seed, targets, meanMs } = this.options;
    const random = seededRandom(seed ^ Math.imul(door, 0x9e_37_79_b1) ^ Math.imul(connection, 0x85_eb_ca_6b));
    this.connections += 1;
    const open = (): Socket => {
      const port = targets[Math.floor(random() * targets.length)] ?? 0;
      return connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    };
    const passage = new Passage(inbound, open, {
      random,
      meanMs,
      suffered: this.suffered,
      calm: this.#calm.signal,
    });
    this.#passages.add(passage);
    void passage.over.then(() => this.#passages.delete(passage));
  }
}
