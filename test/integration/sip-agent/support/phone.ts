import Srf from 'drachtio-srf';
import type {
  InviteOptions,
  ReceivedRequest,
  ResponseSender,
  SentRequest,
  SipDialog,
  SipError,
  SipMessage,
  SipResponse,
  SipStack,
} from '@dialstream/dialer/sip/drachtio.js';
import { sdp } from './messages.js';

/** What the tests use of a dialog beyond what the dialer does. */
export interface PhoneDialog extends Omit<SipDialog, 'on'> {
  modify(sdp: string): Promise<string>;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<SipResponse>;
  on(event: string, listener: (request: ReceivedRequest, response: Answering) => void): void;
}

export interface Answering {
  send(
    status: number,
    options?: { headers?: Record<string, string>; body?: string },
    callback?: (error: unknown, sent: SipMessage) => void,
    onPrack?: (prack: SipMessage) => void,
  ): void;
}

interface RequestOptions {
  method: string;
  headers?: Record<string, string>;
  stackTxnId?: string;
  stackDialogId?: string;
  proxy?: string;
  body?: string;
}

/** An unmodified drachtio-srf, and its calls as promises. */
export interface Phone {
  srf: SipStack;
  place(uri: string, options?: PlaceOptions): Placed;
  /** Sends a request, and gives what was sent and its final answer. */
  send(uri: string, options: RequestOptions): Promise<{ sent: SentRequest; answer: Promise<SipResponse> }>;
  /** Answers an INVITE with 200. */
  answer(request: ReceivedRequest, response: Answering): Promise<PhoneDialog>;
  onRequest(verb: string, listener: (request: ReceivedRequest, response: Answering) => void): void;
  /** Closes its connection as a killed process does. */
  drop(): void;
}

export interface PlaceOptions extends Partial<InviteOptions> {
  onProvisional?: (response: SipResponse) => void;
}

export interface Placed {
  /** The INVITE as the agent says that it was sent. */
  sent: Promise<SentRequest>;
  dialog: Promise<PhoneDialog>;
  /** The final response other than 200. */
  failure: Promise<SipError>;
}

interface Inside {
  app: { client: { wp: { closing: boolean }; mapServer: Map<{ destroy(): void }, unknown> } };
}

export async function connectPhone(port: number, secret: string): Promise<Phone> {
  const raw = new Srf() as unknown as SipStack & Inside;
  const lost = new Promise<never>((_, reject) => {
    raw.on('error', reject);
  });
  lost.catch(() => {});
  const connected = new Promise<void>((resolve, reject) => {
    raw.on('connect', (error) => (error ? reject(error) : resolve()));
  });
  raw.connect({ host: '127.0.0.1', port, secret, reconnect: { retryMaxDelay: 100 } });
  await Promise.race([connected, lost]);
  return {
    srf: raw,
    place(uri, { onProvisional = () => {}, headers = {}, ...options } = {}) {
      let onSent: (request: SentRequest) => void = () => {};
      const sent = new Promise<SentRequest>((resolve) => {
        onSent = resolve;
      });
      const dialog = raw.createUAC(
        uri,
        { localSdp: sdp, headers, ...options },
        { cbRequest: (_error, request) => onSent(request), cbProvisional: onProvisional },
      ) as unknown as Promise<PhoneDialog>;
      const failure = dialog.then(
        () => Promise.reject(new Error('the call was answered')),
        (error: unknown) => error as SipError,
      );
      failure.catch(() => {});
      return { sent, dialog, failure };
    },
    send(uri, options) {
      return new Promise((resolve, reject) => {
        raw.request(uri, options, (error, request) => {
          if (error) {
            reject(error);
            return;
          }
          const answer = new Promise<SipResponse>((done) => {
            request.on('response', (response) => {
              if (response.status >= 200) done(response);
            });
          });
          resolve({ sent: request, answer });
        });
      });
    },
    answer: (request, response) =>
      raw.createUAS(request, response as ResponseSender, {
        localSdp: sdp,
      }) as unknown as Promise<PhoneDialog>,
    onRequest(verb, listener) {
      (raw as unknown as Record<string, (listen: typeof listener) => void>)[verb]?.(listener);
    },
    drop() {
      raw.app.client.wp.closing = true;
      for (const socket of raw.app.client.mapServer.keys()) socket.destroy();
    },
  };
}
