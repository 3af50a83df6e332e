import Srf from 'drachtio-srf';
import type { Log } from '@dialstream/shared/log.js';

/**
 * The only place that imports drachtio-srf. The types below say what 5.0.29 does, which its own
 * declarations do not: `cbRequest` gets `(err, req)`, and several options and `SipError` are missing there.
 */

/** A SIP message as drachtio-srf parsed it. */
export interface SipMessage {
  method: string;
  uri: string;
  body: string;
  get(name: string): string | undefined;
  has(name: string): boolean;
  getParsedHeader(name: 'contact'): { uri: string }[];
  getParsedHeader(name: 'from' | 'to'): { uri: string; params: Record<string, string | null> };
  getParsedHeader(name: 'cseq'): { seq: number; method: string };
}

export interface SipResponse extends SipMessage {
  status: number;
  reason: string;
}

/** A request that we sent. */
export interface SentRequest extends SipMessage {
  /** drachtio's id of the transaction; a later one after a digest challenge. */
  stackTxnId: string;
  cancel(callback: (error?: Error | null) => void): void;
  on(event: 'response', listener: (response: SipResponse) => void): void;
  /** The request was sent again with credentials; its transaction id has changed. */
  on(event: 'authenticate', listener: (request: SentRequest) => void): void;
}

/** A request that came in. */
export interface ReceivedRequest extends SipMessage {
  calledNumber: string;
  source_address: string;
  on(event: 'cancel', listener: () => void): void;
}

export interface ResponseSender {
  send(status: number, options?: { headers?: Record<string, string>; body?: string }): void;
  send(status: number, reason: string, options?: { headers?: Record<string, string>; body?: string }): void;
}

/** SIP's own dialog (RFC 3261 section 12). */
export interface SipDialog {
  id: string;
  /** False once a BYE has come, even before anybody listens. */
  connected: boolean;
  sip: { callId: string; localTag: string; remoteTag: string };
  remote: { uri: string; sdp: string };
  res: SipResponse;
  req: SipMessage;
  /** Sends a BYE; resolves with its response, or rejects when the dialog is gone. */
  destroy(options?: { headers?: Record<string, string> }): Promise<unknown>;
  once(event: 'destroy', listener: (bye: SipMessage) => void): void;
  on(event: 'modify', listener: (request: ReceivedRequest, response: ResponseSender) => void): void;
}

export interface InviteOptions {
  headers: Record<string, string>;
  localSdp: string;
  followRedirects?: boolean;
  proxy?: string;
  auth?: { username: string; password: string };
}

/** A final response to an INVITE other than 2xx. */
export interface SipError extends Error {
  status: number;
  reason: string;
  res?: SipResponse;
}

export function isSipError(error: unknown): error is SipError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number';
}

interface RequestOptions {
  method: string;
  headers?: Record<string, string>;
  stackTxnId?: string;
  stackDialogId?: string;
  body?: string;
}

/** What this program uses of drachtio-srf. */
export interface SipStack {
  createUAC(
    uri: string,
    options: InviteOptions,
    callbacks: {
      cbRequest(error: Error | null, request: SentRequest): void;
      cbProvisional(response: SipResponse): void;
    },
  ): Promise<SipDialog>;
  createUAS(
    request: ReceivedRequest,
    response: ResponseSender,
    options: { localSdp: string; headers?: Record<string, string> },
  ): Promise<SipDialog>;
  request(
    uri: string,
    options: RequestOptions,
    callback: (error: Error | null, request: SentRequest) => void,
  ): void;
  invite(listener: (request: ReceivedRequest, response: ResponseSender) => void): void;
  options(listener: (request: ReceivedRequest, response: ResponseSender) => void): void;
  connect(options: {
    host: string;
    port: number;
    secret: string;
    reconnect: { retryMaxDelay: number };
  }): unknown;
  disconnect(): void;
  on(event: 'connect', listener: (error: Error | null, hostPort: string) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'close', listener: () => void): void;
  /** Forgets a dialog whose server has died: nothing else does. */
  removeDialog(dialog: SipDialog): void;
}

export interface DrachtioOptions {
  host: string;
  port: number;
  secret: string;
  log: Log;
  /** How long the first connection may take, ms. */
  timeoutMs?: number;
}

export interface DrachtioConnection {
  stack: SipStack;
  /** Whether requests can be sent now. */
  isConnected(): boolean;
  /**
   * Calls back each time the connection is lost: what was under way will never be answered.
   * Gives a function that stops it.
   */
  onLost(listener: () => void): () => void;
  close(): void;
}

/** Where drachtio-srf keeps the socket of a later connection. */
interface Inside {
  app: { client: { wp: { socket?: { setNoDelay(on: boolean): void } } } };
}

const retryMaxDelayMs = 2_000;

/**
 * Connects to a drachtio-server or the embedded agent. Throws when the first connection or its
 * authentication fails within `timeoutMs`; later ones are tried for ever, at most 2 s apart.
 */
export async function connectDrachtio(options: DrachtioOptions): Promise<DrachtioConnection> {
  const { host, port, secret, log, timeoutMs = 15_000 } = options;
  const srf = new Srf();
  const stack = srf as unknown as SipStack;
  const lost = new Set<() => void>();
  let connected = false;
  let closing = false;
  let refusal: Error | null = null;

  // Without a listener drachtio-srf would throw; that it is away is told once, by `down` below.
  stack.on('error', (error) => {
    refusal = error;
  });
  const first = new Promise<void>((resolve) => {
    stack.on('connect', (error, hostPort) => {
      if (error) {
        refusal = error;
        log.error({ err: error, host, port }, 'drachtio refuses the secret');
        return;
      }
      connected = true;
      // drachtio-srf sets this on its first socket only.
      (srf as unknown as Inside).app.client.wp.socket?.setNoDelay(true);
      log.info({ host, port, sip: hostPort }, 'connected to drachtio');
      resolve();
    });
  });
  stack.connect({ host, port, secret, reconnect: { retryMaxDelay: retryMaxDelayMs } });
  stack.on('close', () => {
    if (!connected) return;
    connected = false;
    if (!closing) log.warn({ host, port }, 'the connection to drachtio is lost');
    for (const listener of lost) listener();
  });

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Error(`drachtio at ${host}:${port} could not be reached in ${timeoutMs} ms`, { cause: refusal }),
      );
    }, timeoutMs);
  });
  try {
    await Promise.race([first, late]);
  } finally {
    clearTimeout(timer);
  }
  return {
    stack,
    isConnected: () => connected,
    onLost(listener) {
      lost.add(listener);
      return () => void lost.delete(listener);
    },
    close() {
      closing = true;
      // Between two connections there is none that could be closed, and drachtio-srf asserts that there is.
      if (connected) stack.disconnect();
    },
  };
}
