import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes connections on to one of several ports, and cuts them when told to. */
export class CuttingProxy {
  readonly #server = createServer((inbound) => this.#pass(inbound));
  readonly #open = new Set<Socket>();
  cuts = 0;

  constructor(
    private readonly ports: readonly number[],
    private readonly random: () => number,
  ) {}

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts about this share of the connections, whatever is on its way through them. */
  cut(share: number): void {
    for (const socket of this.#open) {
      if (this.random() >= share) continue;
      this.cuts += 1;
      socket.destroy();
    }
  }

  close(): void {
    this.#server.close();
    this.cut(1);
  }

  #pass(inbound: Socket): void {
    const port = this.ports[Math.floor(this.random() * this.ports.length)] ?? 0;
    const outbound = connectTcp(port, '127.0.0.1');
    this.#open.add(inbound);
    for (const [one, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#open.delete(inbound);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
