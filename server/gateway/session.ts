import type { Connection } from './connection.js';
import {
  subscribeRequest,
  unsubscribeRequest,
  type Heads,
  type SubscribeAck,
  type UnsubscribeAck,
} from '@dialstream/shared/events/protocol.js';
import { Subscription, type SubscriptionParts } from './subscription.js';

export interface SessionParts extends SubscriptionParts {
  /** Topics that one connection may have. */
  subscriptionLimit: number;
}

/** What one client has asked for, whatever transport carries it. Its methods do not throw. */
export class Session {
  readonly #subscriptions = new Map<string, Subscription>();
  #closed = false;

  constructor(
    readonly connection: Connection,
    private readonly parts: SessionParts,
  ) {}

  /** Answers once, within a deadline. A later request for a topic takes the place of an earlier one. */
  async subscribe(input: unknown, answer: (ack: SubscribeAck) => void): Promise<void> {
    const request = subscribeRequest.safeParse(input);
    if (!request.success) return this.#answer(answer, { ok: false, code: 'bad_request' });
    const { topic, cursor } = request.data;
    if (this.#closed) return;
    this.#subscriptions.get(topic)?.stop();
    this.#subscriptions.delete(topic);
    if (this.#subscriptions.size >= this.parts.subscriptionLimit) {
      return this.#answer(answer, { ok: false, code: 'too_many' });
    }
    if (this.connection.backlog() > this.parts.backlogLimit) {
      return this.#answer(answer, { ok: false, code: 'too_slow' });
    }
    await this.#add(topic).start(cursor ?? null, (ack) => this.#answer(answer, ack));
  }

  unsubscribe(input: unknown, answer: (ack: UnsubscribeAck) => void): void {
    const request = unsubscribeRequest.safeParse(input);
    if (!request.success) return this.#answer(answer, { ok: false, code: 'bad_request' });
    const { topic } = request.data;
    this.#subscriptions.get(topic)?.stop();
    this.#subscriptions.delete(topic);
    this.#answer(answer, { ok: true, topic });
  }

  /** Tells the client how far each of its topics is, so that it can tell whether it missed something. */
  heartbeat(): void {
    if (this.connection.backlog() > this.parts.backlogLimit) return;
    const heads: Heads = {};
    for (const [topic, { position }] of this.#subscriptions) if (position !== null) heads[topic] = position;
    this.connection.sendHeartbeat(heads);
  }

  close(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    this.#subscriptions.clear();
  }

  #add(topic: string): Subscription {
    const subscription = new Subscription(
      topic,
      this.connection,
      this.parts,
      (code) => {
        if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
        if (code !== null) this.connection.sendResync(topic, code);
      },
      () => this.#checkPace(),
    );
    this.#subscriptions.set(topic, subscription);
    return subscription;
  }

  /** A client that does not take what it is sent loses its subscriptions, so that its queue ends growing. */
  #checkPace(): void {
    if (this.connection.backlog() <= this.parts.backlogLimit) return;
    for (const subscription of this.#subscriptions.values()) subscription.fallBehind();
  }

  /** One that asks and asks but reads no answer is not worth its memory. */
  #answer<Ack>(answer: (ack: Ack) => void, ack: Ack): void {
    if (this.#closed) return;
    answer(ack);
    if (this.connection.backlog() > 2 * this.parts.backlogLimit + this.parts.subscriptionLimit) {
      this.connection.close();
    }
  }
}
