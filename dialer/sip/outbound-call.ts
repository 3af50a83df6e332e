import type { Log } from '@dialstream/shared/log.js';
import type { SipFailure } from '@dialstream/shared/domain/cause.js';
import {
  isSipError,
  type DrachtioConnection,
  type SentRequest,
  type SipDialog,
  type SipResponse,
} from './drachtio.js';

/** What an INVITE needs. Call-ID and From tag are ours and were stored before. */
export interface Invitation {
  /** Request-URI; the To header is made of it. */
  uri: string;
  /** From URI without tag. */
  from: string;
  contact: string | null;
  callId: string;
  fromTag: string;
  sdp: string;
  auth: { username: string; password: string } | null;
  /** Seconds from the INVITE, and anew from the first 18x, until we CANCEL. */
  ringTimeoutSeconds: number;
}

/** The far end's side of a dialog: enough to end it from any process (RFC 3261 section 12.2.1.1). */
export interface RemoteEnd {
  remoteTag: string;
  remoteUri: string;
  localUri: string;
  /** Contact of the far end: the Request-URI of a BYE. */
  target: string;
  routes: string[];
  /** CSeq of the INVITE that was answered. */
  cseq: number;
}

export interface SipEndDetails {
  code: number | null;
  phrase: string | null;
  q850: number | null;
}

export type InviteOutcome =
  | { kind: 'answered'; dialog: AnsweredDialog }
  | { kind: 'failed'; failure: SipFailure; details: SipEndDetails }
  /** Nobody knows whether it is over: the SIP server went away or obeys no deadline. */
  | { kind: 'lost' };

export interface AnsweredDialog {
  remoteEnd: RemoteEnd;
  /** Session description of the far end. */
  sdp: string;
  /** Resolves when the far end has hung up, or with `lost` when the SIP server went away. */
  ended: Promise<'remote' | 'lost'>;
  /** Sends a BYE and waits for its end, at most {@link byeDeadlineMs}. False: nobody knows whether it is over. */
  hangUp(): Promise<boolean>;
}

export interface OutboundCall {
  outcome: Promise<InviteOutcome>;
  /** Sends a CANCEL, if no final answer has come. The outcome follows. */
  cancel(): void;
}

export interface OutboundCallOptions {
  connection: DrachtioConnection;
  invitation: Invitation;
  log: Log;
  /** The INVITE is on the wire; again after a digest challenge, with a new transaction id. */
  onSent(txnId: string): void;
  /** The first 180–189, with early media or without. */
  onRinging(): void;
}

/** Until drachtio has confirmed that an INVITE was sent, ms. */
const sendDeadlineMs = 5_000;
/** From our CANCEL to a final answer: 64*T1 (RFC 3261 section 9.1) and a margin, ms. */
const cancelDeadlineMs = 35_000;
/** From our BYE to its end: timer F (RFC 3261 section 17.1.2.2) and a margin, ms. */
export const byeDeadlineMs = 35_000;

/** Places one call. Every wait has a deadline of ours, whatever drachtio does. */
export function placeCall(options: OutboundCallOptions): OutboundCall {
  const { connection, invitation, log } = options;
  let request: SentRequest | null = null;
  let rang = false;
  let canceledFor: SipFailure['canceledFor'] = null;
  let cancelSent = false;
  let settled = false;
  let settle: (outcome: InviteOutcome) => void = () => {};
  let deadline = setTimeout(() => settle({ kind: 'lost' }), sendDeadlineMs);
  const outcome = new Promise<InviteOutcome>((resolve) => {
    settle = (result) => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      stopListening();
      resolve(result);
    };
  });
  const stopListening = connection.onLost(() => settle({ kind: 'lost' }));

  function cancelFor(reason: 'ring_timeout' | 'command'): void {
    if (settled || cancelSent) return;
    canceledFor = reason;
    if (request === null) return;
    cancelSent = true;
    clearTimeout(deadline);
    deadline = setTimeout(() => settle({ kind: 'lost' }), cancelDeadlineMs);
    request.cancel((error) => {
      // The final answer was faster, or the server is gone: the outcome or the deadline tells.
      if (error) log.debug({ err: error, sipCallId: invitation.callId }, 'CANCEL was not sent');
    });
  }

  function startRingTimer(): void {
    clearTimeout(deadline);
    deadline = setTimeout(() => cancelFor('ring_timeout'), invitation.ringTimeoutSeconds * 1_000);
  }

  function onRequest(error: Error | null, sent: SentRequest): void {
    if (error || settled) return;
    request = sent;
    options.onSent(sent.stackTxnId);
    sent.on('authenticate', (again) => options.onSent(again.stackTxnId));
    if (canceledFor === null) startRingTimer();
    else cancelFor(canceledFor);
  }

  function onProvisional({ status }: SipResponse): void {
    if (status < 180 || rang || settled) return;
    rang = true;
    options.onRinging();
    if (!cancelSent) startRingTimer();
  }

  void invite().then(settle, (error: unknown) => {
    log.error({ err: error, sipCallId: invitation.callId }, 'the INVITE could not be placed');
    settle({ kind: 'lost' });
  });

  async function invite(): Promise<InviteOutcome> {
    let dialog: SipDialog;
    try {
      dialog = await connection.stack.createUAC(
        invitation.uri,
        {
          headers: headersOf(invitation),
          localSdp: invitation.sdp,
          followRedirects: true,
          ...(invitation.auth && { auth: invitation.auth }),
        },
        { cbRequest: onRequest, cbProvisional: onProvisional },
      );
    } catch (error) {
      return isSipError(error) && error.res?.status !== 200
        ? failed(error.status, error.reason, error.res)
        : refusedBySipServer(error);
    }
    return answered(dialog);
  }

  function failed(code: number, phrase: string, response?: SipResponse): InviteOutcome {
    return {
      kind: 'failed',
      failure: { code, rang, canceledFor },
      details: { code, phrase, q850: q850Of(response?.get('reason')) },
    };
  }

  /** drachtio did not send it, or there is a dialog that nobody holds (a 200 without Contact). */
  function refusedBySipServer(error: unknown): InviteOutcome {
    log.warn({ err: error, sipCallId: invitation.callId }, 'drachtio could not place the call');
    if (request !== null) return { kind: 'lost' };
    const phrase = error instanceof Error ? error.message.slice(0, 200) : null;
    return {
      kind: 'failed',
      failure: { code: 0, rang, canceledFor },
      details: { code: null, phrase, q850: null },
    };
  }

  async function answered(dialog: SipDialog): Promise<InviteOutcome> {
    const held = holdDialog(connection, dialog, invitation, log);
    // The answer crossed our CANCEL, or came after we gave up: the customer is not kept (RFC 3261 section 9.1).
    if (cancelSent || settled) {
      if (!(await held.hangUp())) return { kind: 'lost' };
      return failed(487, 'Answered while being cancelled');
    }
    return { kind: 'answered', dialog: held };
  }

  return { outcome, cancel: () => cancelFor('command') };
}

function headersOf({ uri, from, fromTag, callId, contact }: Invitation): Record<string, string> {
  return {
    From: `<${from}>;tag=${fromTag}`,
    To: `<${uri}>`,
    'Call-ID': callId,
    ...(contact !== null && { Contact: `<${contact}>` }),
  };
}

function holdDialog(
  connection: DrachtioConnection,
  dialog: SipDialog,
  invitation: Invitation,
  log: Log,
): AnsweredDialog {
  const { stack } = connection;
  let over = false;
  let forget = (): void => {};
  const ended = new Promise<'remote' | 'lost'>((resolve) => {
    const stopListening = connection.onLost(() => {
      over = true;
      // drachtio-srf keeps the dialogs of a server that died.
      stack.removeDialog(dialog);
      resolve('lost');
    });
    forget = stopListening;
    const onBye = (): void => {
      over = true;
      stopListening();
      resolve('remote');
    };
    dialog.once('destroy', onBye);
    // A BYE that came in one read with the answer was told to nobody.
    if (!dialog.connected) onBye();
  });
  // A re-INVITE is answered with what we offered (RFC 3261 section 14.2).
  dialog.on('modify', (_, response) => response.send(200, { body: invitation.sdp }));
  return {
    remoteEnd: remoteEndOf(dialog, invitation),
    sdp: dialog.remote.sdp,
    ended,
    async hangUp() {
      if (over) return (await ended) === 'remote';
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), byeDeadlineMs);
      });
      const bye = dialog.destroy().then(
        () => true,
        (error: unknown) => {
          log.debug({ err: error, sipCallId: invitation.callId }, 'BYE was not sent');
          return false;
        },
      );
      try {
        // The far end's own BYE may cross ours.
        return await Promise.race([bye, late, ended.then((by) => by === 'remote')]);
      } finally {
        clearTimeout(timer);
        forget();
      }
    },
  };
}

function remoteEndOf(dialog: SipDialog, invitation: Invitation): RemoteEnd {
  const recordRoute = dialog.res.get('record-route');
  return {
    remoteTag: dialog.sip.remoteTag,
    remoteUri: invitation.uri,
    localUri: invitation.from,
    target: dialog.remote.uri,
    // The caller's route set is the reverse of what the proxies recorded (RFC 3261 section 12.1.2).
    routes: recordRoute ? splitRoutes(recordRoute).toReversed() : [],
    cseq: dialog.res.getParsedHeader('cseq').seq,
  };
}

function splitRoutes(header: string): string[] {
  return [...header.matchAll(/<[^>]*>[^,<]*/g)].map(([route]) => route.trim());
}

/** `Q.850;cause=16;text="…"` → 16 (RFC 3326 section 2). */
function q850Of(reason: string | undefined): number | null {
  const match = /Q\.850\s*;[^,]*?cause\s*=\s*(\d{1,3})/i.exec(reason ?? '');
  return match?.[1] === undefined ? null : Number(match[1]);
}
