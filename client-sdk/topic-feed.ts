import type { ReconnectPolicy } from './backoff.js';
import type { Cursor, Head, LiveEvent, SubscriptionMode } from './generated/types.js';
import { isPlace, isSamePlace } from './place.js';
import type { AnySubscription } from './subscription.js';
import type { Gap, TopicName } from './types.js';

/** Asks the server, while there is a connection. Answers once, with undefined when no answer came. */
export type Request = (
  name: 'subscribe' | 'unsubscribe',
  body: object,
  onAnswer: (answer: unknown) => void,
) => void;

/** The server's answer to `subscribe`. */
interface Ack {
  ok?: boolean;
  code?: string;
  recovered?: boolean;
  cursor?: unknown;
  snapshot?: unknown;
}

/** What was asked. */
interface Question {
  cursor: Cursor | null;
  /** Nobody is further behind than `cursor`. */
  isForAll: boolean;
  mode: SubscriptionMode;
  /** Its number. */
  asked: number;
}

/** Refusals that trying again does not change. */
const finalRefusals = new Set(['bad_request', 'not_found', 'forbidden']);

/** Milliseconds without an answer after which nobody counts as up to date any more. */
const patienceMs = 1_000;

/**
 * The client's one subscription to a topic at the server, whoever shares it. It is live while every subscriber
 * is at its position or ahead of it. When one is not, the server is asked anew, until it is: so a newcomer gets
 * its snapshot, and the others every event, once.
 */
export class TopicFeed {
  readonly #subscriptions = new Set<AnySubscription>();
  /** What the server has sent us; null while it is not live. */
  #position: Cursor | null = null;
  #mode: SubscriptionMode = 'stream';
  #request: Request | null = null;
  /** Number of the last request; answers to earlier ones are out of date. */
  #asked = 0;
  #isAsking = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly topic: TopicName,
    private readonly policy: ReconnectPolicy,
    private readonly onEmpty: () => void,
  ) {}

  add(subscription: AnySubscription): void {
    this.#subscriptions.add(subscription);
    if (this.#request === null) return;
    subscription.wait('subscribing', 'subscribing', 'asking the server');
    this.#check();
  }

  /** One has closed itself. */
  left(subscription: AnySubscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    if (this.#subscriptions.size > 0) return this.#check();
    const request = this.#request;
    this.#over();
    request?.('unsubscribe', { topic: this.topic }, () => undefined);
  }

  wanting(): void {
    this.#check();
  }

  /** The connection is there. */
  opened(request: Request): void {
    if (this.#request !== null) return;
    this.#request = request;
    if (this.#subscriptions.size > 0) this.#ask();
  }

  /** The connection is gone; `opened` follows, unless it is gone for good. */
  lost(reason: string): void {
    this.#request = null;
    this.#interrupt();
    this.#each((one) => one.wait('waiting', 'lost', reason));
  }

  /** The client is closed, or gave up. */
  ended(code: string, reason: string): void {
    this.#end('closed', code, reason);
  }

  event(event: LiveEvent): void {
    const at = this.#position;
    if (at === null) return;
    const { epoch, seq, previousSeq = seq - 1 } = event;
    if (epoch === at.epoch && seq <= at.seq) return;
    if (epoch !== at.epoch || previousSeq > at.seq) return this.#heal('missing_seq', null, { epoch, seq });
    this.#failures = 0;
    this.#position = { epoch, seq };
    this.#each((one) => one.event(event));
  }

  /** `head` is how far the server is with us; undefined when it knows no such subscription. */
  heartbeat(head: unknown): void {
    const at = this.#position;
    if (at === null) return;
    if (!isPlace(head)) return this.#heal('heartbeat', null, null);
    const { epoch, seq, sentSeq = seq }: Head = head;
    if (epoch !== at.epoch || sentSeq > at.seq) return this.#heal('heartbeat', null, { epoch, seq });
    this.#failures = 0;
    if (seq <= at.seq) return;
    // What lies between was not for this mode.
    this.#position = { epoch, seq };
    this.#each((one) => one.advance({ epoch, seq }));
  }

  resync(code: string): void {
    if (this.#position !== null) this.#heal('resync', code, null);
  }

  /** Asks the server when not everybody gets what it needs; goes live when everybody does. */
  #check(): void {
    if (this.#isAsking || this.#request === null || this.#timer !== undefined) return;
    const all = [...this.#subscriptions];
    if (this.#mode !== this.#wantedMode() || !all.every((one) => this.#isServed(one))) return this.#ask();
    this.#each((one) => one.live());
  }

  #isServed({ place, isProven }: AnySubscription): boolean {
    const at = this.#position;
    return isProven && place !== null && place.epoch === at?.epoch && place.seq >= at.seq;
  }

  #ask(): void {
    this.#interrupt();
    if (this.#request === null) return;
    this.#isAsking = true;
    const asked = this.#asked;
    const question = { ...this.#next(), mode: this.#wantedMode(), asked };
    const { cursor, mode } = question;
    const ask = (one: AnySubscription): void => one.wait('subscribing', 'subscribing', 'asking the server');
    this.#each((one) => {
      if (one.state.status !== 'live') ask(one);
    });
    // Whoever was told may have closed all of it.
    if (asked !== this.#asked) return;
    // Those who are up to date are asked about because of others. They are told only when it takes its time.
    this.#impatience = setTimeout(() => this.#each(ask), patienceMs);
    const body = { topic: this.topic, ...(cursor && { cursor }), ...(mode === 'latest' && { mode }) };
    this.#request('subscribe', body, (answer) => {
      if (asked === this.#asked) this.#answered(answer ?? null, question);
    });
  }

  /**
   * From where to ask: nowhere while somebody needs a snapshot, then from each place that the server was never
   * asked about, then from the one furthest behind. Of two epochs at least one is gone, whichever is asked for.
   */
  #next(): { cursor: Cursor | null; isForAll: boolean } {
    let furthest: Cursor | null = null;
    let unproven: Cursor | null = null;
    for (const { place, isProven } of this.#subscriptions) {
      if (place === null) return { cursor: null, isForAll: false };
      if (!isProven) unproven ??= place;
      if (furthest === null || (place.epoch === furthest.epoch && place.seq < furthest.seq)) furthest = place;
    }
    return { cursor: unproven ?? furthest, isForAll: unproven === null };
  }

  #answered(ack: Ack | null, question: Question): void {
    if (ack === null) return this.#askLater('timeout', 'the server did not answer');
    if (ack.ok !== true) return this.#refused(ack.code ?? 'unknown');
    const { recovered = false, cursor: place } = ack;
    if (!isPlace(place) || (recovered && !isSamePlace(place, question.cursor))) {
      return this.#askLater('bad_answer', 'the server gave an answer that makes no sense');
    }
    const position = { epoch: place.epoch, seq: place.seq };
    this.#each((one) => {
      if (!recovered) this.#offer(one, ack.snapshot, position, question);
      else if (one.place?.epoch !== position.epoch) one.lose();
      else if (one.place.seq === position.seq) one.prove();
    });
    if (question.asked !== this.#asked) return;
    clearTimeout(this.#impatience);
    this.#isAsking = false;
    this.#position = position;
    this.#mode = question.mode;
    this.#check();
  }

  /** Gives a snapshot to those who cannot go on from their place, and to no others: those are asked for next. */
  #offer(one: AnySubscription, snapshot: unknown, position: Cursor, { cursor, isForAll }: Question): void {
    const { place } = one;
    const isGone = place === null || place.epoch !== position.epoch || isSamePlace(place, cursor);
    // Asked from the furthest behind the server has nothing to go on from: nobody behind is to wait for more.
    if (isGone || (isForAll && place.seq < position.seq)) one.load(snapshot, position);
  }

  #refused(code: string): void {
    const reason = `the server refuses ${this.topic}: ${code}`;
    if (finalRefusals.has(code)) this.#end('refused', code, reason);
    else this.#askLater(code, reason);
  }

  #wantedMode(): SubscriptionMode {
    return [...this.#subscriptions].some(({ mode }) => mode === 'stream') ? 'stream' : 'latest';
  }

  #heal(cause: Gap['cause'], code: string | null, seen: Cursor | null): void {
    this.#askLater(code ?? cause, `the stream broke: ${code ?? cause}`, { cause, code, seen });
  }

  #askLater(code: string, reason: string, gap?: Omit<Gap, 'after'>): void {
    this.#interrupt();
    this.#failures += 1;
    const delay = this.policy.delayMs(this.#failures);
    if (delay !== null) this.#timer = setTimeout(() => this.#ask(), delay);
    if (gap !== undefined) this.#each((one) => one.gap({ ...gap, after: one.cursor }));
    if (delay === null) return this.#end('closed', 'given_up', reason);
    this.#each((one) => one.wait('subscribing', code, reason));
  }

  #end(status: 'closed' | 'refused', code: string, reason: string): void {
    const all = [...this.#subscriptions];
    this.#over();
    for (const one of all) one.end(status, code, reason);
  }

  #over(): void {
    this.#interrupt();
    this.#request = null;
    this.#subscriptions.clear();
    this.onEmpty();
  }

  /** From here on no answer, event or timer of before counts. */
  #interrupt(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#impatience);
    this.#timer = undefined;
    this.#asked += 1;
    this.#isAsking = false;
    this.#position = null;
  }

  /** A copy: whoever is called may add and remove subscriptions. */
  #each(call: (subscription: AnySubscription) => void): void {
    const all = [...this.#subscriptions];
    for (const one of all) call(one);
  }
}
