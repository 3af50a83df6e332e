import type { DrachtioConnection } from './drachtio.js';
import { byeDeadlineMs, type RemoteEnd } from './outbound-call.js';

/** A call that another process, or this one in another life, placed. */
export interface ForeignCall {
  callId: string;
  fromTag: string;
  txnId: string | null;
  remoteEnd: RemoteEnd | null;
}

/** Until drachtio has said whether it sent a request, ms. */
const sendDeadlineMs = 5_000;

/** Cancels a call that rings. False: the SIP server knows no such transaction (any more). */
export async function cancelForeignCall(connection: DrachtioConnection, call: ForeignCall): Promise<boolean> {
  if (call.txnId === null) return false;
  return wasSent(connection, 'sip:placeholder', { method: 'CANCEL', stackTxnId: call.txnId });
}

/**
 * Ends a call that was answered, in the SIP server that holds its dialog. False: it holds none.
 * True: the far end has answered our BYE, whatever it said, or has let it time out.
 */
export async function byeForeignDialog(connection: DrachtioConnection, call: ForeignCall): Promise<boolean> {
  const stackDialogId = `${call.callId};from-tag=${call.fromTag}`;
  return wasAnswered(connection, 'sip:placeholder', { method: 'BYE', stackDialogId });
}

/**
 * Ends a call whose SIP server has lost it, by a BYE made of what was stored when it was answered
 * (RFC 3261 section 12.2.1.1).
 */
export async function byeRemoteEnd(
  connection: DrachtioConnection,
  call: ForeignCall & { remoteEnd: RemoteEnd },
): Promise<boolean> {
  const { remoteEnd } = call;
  return wasAnswered(connection, remoteEnd.target, {
    method: 'BYE',
    headers: {
      From: `<${remoteEnd.localUri}>;tag=${call.fromTag}`,
      To: `<${remoteEnd.remoteUri}>;tag=${remoteEnd.remoteTag}`,
      'Call-ID': call.callId,
      // Above whatever was sent in the dialog before: a few requests at most.
      CSeq: `${remoteEnd.cseq + 100} BYE`,
      ...(remoteEnd.routes.length > 0 && { Route: remoteEnd.routes.join(', ') }),
    },
  });
}

type Options = Parameters<DrachtioConnection['stack']['request']>[1];

async function wasSent(connection: DrachtioConnection, uri: string, options: Options): Promise<boolean> {
  return (await send(connection, uri, options)).sent;
}

async function wasAnswered(connection: DrachtioConnection, uri: string, options: Options): Promise<boolean> {
  const { sent, answered } = await send(connection, uri, options);
  if (sent) await within(byeDeadlineMs, answered);
  return sent;
}

/** `sent` is false when the SIP server knows no such call. Throws when it is not reachable. */
async function send(
  connection: DrachtioConnection,
  uri: string,
  options: Options,
): Promise<{ sent: boolean; answered: Promise<void> }> {
  if (!connection.isConnected()) throw new Error('drachtio is not connected');
  let onAnswer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    onAnswer = resolve;
  });
  const sent = await within(
    sendDeadlineMs,
    new Promise<boolean>((resolve) => {
      connection.stack.request(uri, options, (error, request) => {
        // At once: the answer may stand in the same read as the confirmation.
        if (!error) request.on('response', onAnswer);
        resolve(!error);
      });
    }),
  );
  return { sent, answered };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`drachtio gave no answer in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
