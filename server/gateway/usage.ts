import { createRateLimit, type RateLimit } from '../rate-limit.js';

/** What all connections of one key may have together, in one process. */
export interface UsageLimits {
  connections: number;
  subscriptions: number;
  messages: RateLimit;
}

interface Used {
  connections: number;
  subscriptions: number;
}

/** What is in use, by key. Keys without a connection are not kept. */
export class Usage {
  readonly #byKey = new Map<string, Used>();
  readonly #takeMessage: (keyId: string) => number;

  constructor(private readonly limits: UsageLimits) {
    this.#takeMessage = createRateLimit(limits.messages);
  }

  /** Of all keys. */
  get subscriptions(): number {
    let sum = 0;
    for (const used of this.#byKey.values()) sum += used.subscriptions;
    return sum;
  }

  /** Whether it may have another connection. */
  mayConnect(keyId: string): boolean {
    return (this.#byKey.get(keyId)?.connections ?? 0) < this.limits.connections;
  }

  /** False: it has as many connections as it may. */
  connect(keyId: string): boolean {
    if (!this.mayConnect(keyId)) return false;
    const used = this.#byKey.get(keyId) ?? { connections: 0, subscriptions: 0 };
    used.connections += 1;
    this.#byKey.set(keyId, used);
    return true;
  }

  disconnect(keyId: string): void {
    const used = this.#byKey.get(keyId);
    if (used === undefined) return;
    used.connections -= 1;
    if (used.connections === 0) this.#byKey.delete(keyId);
  }

  /** False: its connections have as many subscriptions as they may. */
  subscribe(keyId: string): boolean {
    const used = this.#byKey.get(keyId);
    if (used === undefined || used.subscriptions >= this.limits.subscriptions) return false;
    used.subscriptions += 1;
    return true;
  }

  unsubscribe(keyId: string): void {
    const used = this.#byKey.get(keyId);
    if (used !== undefined) used.subscriptions -= 1;
  }

  /** Seconds until the key may send another message; 0: this one counts. */
  message(keyId: string): number {
    return this.#takeMessage(keyId);
  }
}
