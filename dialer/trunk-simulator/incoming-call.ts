import { once } from 'node:events';
import type { ReceivedRequest, ResponseSender, SipDialog, SipMessage, SipStack } from '../sip/drachtio.js';

/** Why a call came to its end before its script did. */
export type CallEnd = 'canceled' | 'remote_bye' | 'stopped' | 'lost' | 'overdue';

/** From the 200 to its ACK: 64*T1 (RFC 3261 section 13.3.1.4) and a margin, ms. */
const ackDeadlineMs = 35_000;
/** From our BYE to its end: timer F (RFC 3261 section 17.1.2.2) and a margin, ms. */
const byeDeadlineMs = 35_000;

/** What drachtio-srf's dialog has besides; it emits `ack` when the caller's ACK arrives. */
interface AnsweredDialog extends Omit<SipDialog, 'once'> {
  connected: boolean;
  once(event: 'destroy', listener: (bye: SipMessage) => void): void;
  once(event: 'ack', listener: (ack: SipMessage) => void): void;
}

export interface IncomingCallOptions {
  stack: SipStack;
  request: ReceivedRequest;
  response: ResponseSender;
  /** Our answer to the offer; null when it has no audio that we speak. */
  sdp: string | null;
}

type Headers = Record<string, string>;

/**
 * One INVITE and what follows it, seen from the callee. Everything that waits rejects as soon as the
 * call is over, so that a script is written straight through; `close` then leaves nothing behind.
 */
export class IncomingCall {
  readonly number: string;
  readonly sipCallId: string;
  readonly sdp: string | null;
  readonly #stack: SipStack;
  readonly #request: ReceivedRequest;
  readonly #response: ResponseSender;
  /** Ends with a CANCEL too; a 200 after it is still possible. */
  readonly #early = new AbortController();
  readonly #whole = new AbortController();
  readonly #abandoned = new AbortController();
  #finalSent = false;
  #opening: Promise<AnsweredDialog> | null = null;
  #dialog: AnsweredDialog | null = null;

  constructor({ stack, request, response, sdp }: IncomingCallOptions) {
    this.#stack = stack;
    this.#request = request;
    this.#response = response;
    this.number = request.calledNumber;
    this.sipCallId = request.get('call-id') ?? '';
    this.sdp = sdp;
    request.on('cancel', () => this.#early.abort('canceled' satisfies CallEnd));
  }

  /** Why the call is over; null while it is not. */
  get endedBy(): CallEnd | null {
    const { signal } = this.#dialog ? this.#whole : this.#early;
    return signal.aborted ? (signal.reason as CallEnd) : null;
  }

  get wasAnswered(): boolean {
    return this.#dialog !== null;
  }

  get requestUri(): string {
    return this.#request.uri;
  }

  header(name: string): string | undefined {
    return this.#request.get(name);
  }

  /** Ends every wait; the script unwinds. */
  end(reason: CallEnd): void {
    this.#early.abort(reason);
    this.#whole.abort(reason);
  }

  ringing(): void {
    this.#response.send(180);
  }

  /** 183 with the session description that the answer will repeat. */
  earlyMedia(): void {
    this.#response.send(183, this.#withSdp());
  }

  reject(status: number, headers: Headers = {}): void {
    if (this.#finalSent) return;
    this.#finalSent = true;
    this.#response.send(status, { headers });
  }

  /** Waits; rejects when the call is over before. */
  async pause(durationMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, durationMs);
    });
    await unlessAborted(passed, (this.#dialog ? this.#whole : this.#early).signal, () => clearTimeout(timer));
  }

  /** Sends the 200 and waits for its ACK: before that the callee may send no BYE (RFC 3261 section 15). */
  async answer(): Promise<void> {
    this.#finalSent = true;
    const { headers, body } = this.#withSdp();
    this.#opening = this.#stack
      .createUAS(this.#request, this.#response, { localSdp: body, headers })
      .then((dialog) => this.#hold(dialog as unknown as AnsweredDialog));
    const acked = this.#opening.then(
      (dialog) => new Promise<void>((resolve) => dialog.once('ack', () => resolve())),
    );
    const timer = setTimeout(() => this.end('overdue'), ackDeadlineMs);
    await unlessAborted(acked, this.#whole.signal, () => clearTimeout(timer));
  }

  /** Leaves nothing up: refuses what was not answered, hangs up what was. */
  async close(): Promise<void> {
    // The SIP server has answered a cancelled INVITE by itself; it ignores ours then.
    this.reject(closingStatus[this.endedBy ?? 'overdue']);
    const timer = setTimeout(() => this.abandon(), byeDeadlineMs);
    // It rejects when the SIP server does not know the dialog: over all the same.
    await Promise.race([this.#hangUp().catch(() => {}), aborted(this.#abandoned.signal)]);
    clearTimeout(timer);
    // drachtio-srf keeps the dialogs of a server that died.
    if (this.#dialog) this.#stack.removeDialog(this.#dialog);
    this.abandon();
  }

  /** Ends every wait, that for the end of our BYE included: nobody will tell of it. */
  abandon(): void {
    this.end('lost');
    this.#abandoned.abort();
  }

  #withSdp(): { headers: Headers; body: string } {
    return { headers: { 'Content-Type': 'application/sdp' }, body: this.sdp ?? '' };
  }

  #hold(dialog: AnsweredDialog): AnsweredDialog {
    this.#dialog = dialog;
    dialog.once('destroy', () => this.end('remote_bye'));
    // Its BYE may have been read together with the confirmation of our 200, before this continuation.
    if (!dialog.connected) this.end('remote_bye');
    return dialog;
  }

  /** Sends a BYE, unless there is nothing to end or the caller's BYE crosses it. */
  async #hangUp(): Promise<void> {
    const dialog = await this.#opening;
    if (!dialog?.connected) return;
    const crossed = new Promise<void>((resolve) => dialog.once('destroy', () => resolve()));
    await Promise.race([dialog.destroy(), crossed]);
  }
}

/** Waits for the promise; rejects with the signal's reason when that comes first. */
async function unlessAborted(
  promise: Promise<void>,
  signal: AbortSignal,
  cleanUp: () => void,
): Promise<void> {
  try {
    await Promise.race([promise, aborted(signal)]);
    signal.throwIfAborted();
  } finally {
    cleanUp();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

const closingStatus: Record<CallEnd, number> = {
  canceled: 487,
  remote_bye: 487,
  stopped: 503,
  lost: 503,
  overdue: 480,
};
