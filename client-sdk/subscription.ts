import type { ReconnectPolicy } from './backoff.js';
import type {
  Cursor,
  Gap,
  LiveEvent,
  SnapshotOf,
  SubscribeOptions,
  Subscription,
  SubscriptionState,
  TopicName,
} from './types.js';

/** What a subscription needs of the connection: null while there is none. */
export type Request = (
  name: 'subscribe' | 'unsubscribe',
  body: object,
  onAnswer: (answer: unknown) => void,
) => void;

/** The server's answer to `subscribe`. */
interface Ack {
  ok: boolean;
  code?: string;
  recovered?: boolean;
  cursor?: Cursor;
  snapshot?: unknown;
}

/** Refusals that trying again does not change. */
const finalRefusals = new Set(['bad_request', 'not_found', 'forbidden']);

/**
 * One topic: asks for it, sees to it that each event is applied once and in order, and asks again from its
 * cursor when the stream broke.
 */
export class TopicSubscription<Topic extends TopicName> implements Subscription {
  #cursor: Cursor | null;
  #state: SubscriptionState = { status: 'waiting', code: 'connecting', reason: 'no connection yet' };
  #request: Request | null = null;
  /** Number of the last request; answers to earlier ones are out of date. */
  #asked = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly topic: Topic,
    private readonly options: SubscribeOptions<Topic>,
    private readonly policy: ReconnectPolicy,
    private readonly onClosed: () => void,
  ) {
    this.#cursor = options.cursor ?? null;
  }

  get cursor(): Cursor | null {
    return this.#cursor;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  close(): void {
    if (this.#isOver()) return;
    this.#request?.('unsubscribe', { topic: this.topic }, () => undefined);
    this.#end('closed', 'closed', 'closed by the client');
  }

  /** The connection is there. */
  opened(request: Request): void {
    if (this.#isOver()) return;
    this.#request = request;
    this.#ask();
  }

  /** The connection is gone; `opened` follows, unless it is gone for good. */
  lost(reason: string): void {
    if (this.#isOver()) return;
    this.#request = null;
    this.#interrupt();
    this.#become({ status: 'waiting', code: 'lost', reason });
  }

  /** The client is closed, or gave up. */
  ended(code: string, reason: string): void {
    if (!this.#isOver()) this.#end('closed', code, reason);
  }

  event(event: LiveEvent): void {
    if (this.#state.status !== 'live' || this.#cursor === null) return;
    const { epoch, seq } = event;
    if (epoch === this.#cursor.epoch && seq <= this.#cursor.seq) return;
    if (epoch !== this.#cursor.epoch || seq !== this.#cursor.seq + 1) {
      return this.#heal({ cause: 'missing_seq', code: null, after: this.#cursor, seen: { epoch, seq } });
    }
    this.#failures = 0;
    this.#cursor = { epoch, seq };
    this.options.onEvent?.(event);
  }

  /** `head` is the last event that the server has sent us; undefined when it knows no such subscription. */
  heartbeat(head: Cursor | undefined): void {
    if (this.#state.status !== 'live' || this.#cursor === null) return;
    if (head?.epoch !== this.#cursor.epoch || head.seq > this.#cursor.seq) {
      return this.#heal({ cause: 'heartbeat', code: null, after: this.#cursor, seen: head ?? null });
    }
    this.#failures = 0;
  }

  resync(code: string): void {
    if (this.#state.status !== 'live') return;
    this.#heal({ cause: 'resync', code, after: this.#cursor, seen: null });
  }

  #ask(): void {
    this.#interrupt();
    if (this.#request === null) return;
    const asked = this.#asked;
    this.#become({ status: 'subscribing', code: 'subscribing', reason: 'asking the server' });
    const cursor = this.#cursor;
    this.#request('subscribe', { topic: this.topic, ...(cursor && { cursor }) }, (answer) => {
      if (asked === this.#asked) this.#answered(answer as Ack | undefined);
    });
  }

  #answered(ack: Ack | undefined): void {
    if (ack === undefined) return this.#askLater('timeout', 'the server did not answer');
    if (!ack.ok || !ack.cursor) {
      const code = ack.code ?? 'unknown';
      const reason = `the server refuses ${this.topic}: ${code}`;
      return finalRefusals.has(code) ? this.#end('refused', code, reason) : this.#askLater(code, reason);
    }
    const before = this.#cursor;
    this.#cursor = ack.cursor;
    if (ack.recovered) {
      this.#become({ status: 'live', code: 'recovered', reason: 'went on from the cursor' });
      return;
    }
    if (before !== null) {
      this.options.onGap?.({ cause: 'not_recovered', code: null, after: before, seen: ack.cursor });
    }
    this.options.onSnapshot?.(ack.snapshot as SnapshotOf<Topic>, ack.cursor);
    // Whoever is told may have closed it.
    if (!this.#isOver()) this.#become({ status: 'live', code: 'snapshot', reason: 'began with a snapshot' });
  }

  #heal(gap: Gap): void {
    this.#askLater(gap.code ?? gap.cause, `the stream broke: ${gap.code ?? gap.cause}`);
    this.options.onGap?.(gap);
  }

  #askLater(code: string, reason: string): void {
    this.#interrupt();
    this.#failures += 1;
    const delay = this.policy.delayMs(this.#failures);
    if (delay === null) return this.#end('closed', 'given_up', reason);
    this.#timer = setTimeout(() => this.#ask(), delay);
    this.#become({ status: 'subscribing', code, reason });
  }

  /** From here on no answer, event or timer of before counts. */
  #interrupt(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  #isOver(): boolean {
    return this.#state.status === 'closed' || this.#state.status === 'refused';
  }

  #end(status: 'closed' | 'refused', code: string, reason: string): void {
    this.#interrupt();
    this.#request = null;
    this.onClosed();
    this.#become({ status, code, reason });
  }

  #become(state: SubscriptionState): void {
    this.#state = state;
    this.options.onState?.(state);
  }
}
