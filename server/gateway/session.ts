import {
  subscribeRequest,
  unsubscribeRequest,
  type Heads,
  type ResyncCode,
  type SubscribeAck,
  type UnsubscribeAck,
} from '@dialstream/shared/events/protocol.js';
import pLimit from 'p-limit';
import type { Principal } from '../principal.js';
import { Bucket, type RateLimit } from '../rate-limit.js';
import type { Connection } from './connection.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import type { StreamRights } from './stream-rights.js';
import { refused, Subscription, type Refusal, type SubscriptionParts } from './subscription.js';
import type { Usage } from './usage.js';

export interface SessionParts extends SubscriptionParts {
  usage: Usage;
  metrics: GatewayMetrics;
  /** Topics that one connection may have. */
  subscriptionLimit: number;
  /** Messages that one connection may send. */
  messageLimit: RateLimit;
}

type Answer<Ack> = (ack: Ack | Refusal) => void;

/** Subscriptions of one connection that are prepared at once; each may hold a snapshot. */
const preparedAtOnce = 4;

/** What one client has asked for, whatever transport carries it. Its methods do not throw. */
export class Session {
  readonly keyId: string;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #turn = pLimit(preparedAtOnce);
  readonly #bucket: Bucket;
  #refusedMessages = 0;
  /** Bytes of the backlog that came at once, in snapshots: they say nothing of the client's pace. */
  #excused = 0;
  #closed = false;

  constructor(
    private readonly connection: Connection,
    private rights: StreamRights,
    private readonly parts: SessionParts,
  ) {
    this.keyId = rights.principal.keyId;
    this.#bucket = new Bucket(parts.messageLimit);
  }

  /** Answers once, within a deadline. A later request for a topic takes the place of an earlier one. */
  async subscribe(input: unknown, answer: Answer<SubscribeAck>): Promise<void> {
    if (!this.takesMessage()) return this.#answer(answer, refused('rate_limited'));
    const request = subscribeRequest.safeParse(input);
    if (!request.success) return this.#answer(answer, refused('bad_request'));
    const { topic, cursor, mode = 'stream' } = request.data;
    this.#remove(topic);
    if (this.#closed) return;
    const subscription = this.#add(topic);
    if (subscription === null) return this.#answer(answer, refused('too_many'));
    const sent = (ack: SubscribeAck): void => this.#answer(answer, ack);
    await this.#turn(() => subscription.start({ rights: this.rights, cursor: cursor ?? null, mode }, sent));
    await subscription.goLive();
  }

  unsubscribe(input: unknown, answer: Answer<UnsubscribeAck>): void {
    if (!this.takesMessage()) return this.#answer(answer, refused('rate_limited'));
    const request = unsubscribeRequest.safeParse(input);
    if (!request.success) return this.#answer(answer, refused('bad_request'));
    const { topic } = request.data;
    this.#remove(topic);
    this.#answer(answer, { ok: true, topic });
  }

  /** Counts a message of the client. False: it sends too many, and this one is not to be looked at. */
  takesMessage(): boolean {
    if (this.#closed) return false;
    if (this.#bucket.take() === 0 && this.parts.usage.message(this.keyId) === 0) return true;
    this.#refusedMessages += 1;
    if (this.#refusedMessages > this.parts.messageLimit.burst) this.connection.close('rate_limited');
    return false;
  }

  /** Tells the client how far each of its topics is, so that it can tell whether it missed something. */
  heartbeat(): void {
    if (this.#overdue() > this.parts.backlogLimit) return;
    const heads: Heads = {};
    for (const [topic, { head }] of this.#subscriptions) if (head !== null) heads[topic] = head;
    this.connection.sendHeartbeat(heads);
  }

  /**
   * What the key's principal is by now, null when the key was revoked. A client that may less or more than
   * before subscribes anew; one that may nothing any more is disconnected.
   */
  reconsider(principal: Principal | null, now: Date): void {
    const { expiresAt } = this.rights;
    if (principal === null || (expiresAt !== null && expiresAt <= now)) {
      this.#endAll('rights_changed');
      return this.connection.close('unauthorized');
    }
    if (principal.role === this.rights.principal.role) return;
    this.rights = { ...this.rights, principal };
    this.#endAll('rights_changed');
  }

  close(): void {
    this.#closed = true;
    for (const topic of this.#subscriptions.keys()) this.#remove(topic);
  }

  #add(topic: string): Subscription | null {
    const { usage, subscriptionLimit } = this.parts;
    if (this.#subscriptions.size >= subscriptionLimit || !usage.subscribe(this.keyId)) return null;
    const subscription = new Subscription(topic, this.connection, this.parts, {
      over: (code) => {
        if (this.#subscriptions.get(topic) === subscription) this.#remove(topic);
        if (code === null) return;
        this.parts.metrics.resynced(code);
        this.connection.sendResync(topic, code);
      },
      fed: () => this.#checkPace(),
    });
    this.#subscriptions.set(topic, subscription);
    return subscription;
  }

  #remove(topic: string): void {
    const subscription = this.#subscriptions.get(topic);
    if (subscription === undefined) return;
    this.#subscriptions.delete(topic);
    this.parts.usage.unsubscribe(this.keyId);
    subscription.stop();
  }

  #endAll(code: ResyncCode): void {
    for (const subscription of this.#subscriptions.values()) subscription.end(code);
  }

  /** A client that does not take what it is sent loses its subscriptions, so that its queue ends growing. */
  #checkPace(): void {
    if (this.#overdue() > this.parts.backlogLimit) this.#endAll('too_slow');
  }

  #overdue(): number {
    const backlog = this.connection.backlog();
    this.#excused = Math.min(this.#excused, backlog);
    return backlog - this.#excused;
  }

  /** One that asks and asks but reads no answer is not worth its memory. */
  #answer<Ack extends SubscribeAck | UnsubscribeAck>(answer: Answer<Ack>, ack: Ack | Refusal): void {
    if (this.#closed) return;
    if (!ack.ok) this.parts.metrics.refused(ack.code);
    answer(ack);
    if ('snapshot' in ack) this.#excused = this.connection.backlog();
    else if (this.#overdue() > 2 * this.parts.backlogLimit) this.connection.close('too_slow');
  }
}
