import {
  isSipError,
  type DrachtioConnection,
  type SentRequest,
  type SipDialog,
  type SipResponse,
} from '@dialstream/dialer/sip/drachtio.js';
import { offer } from './raw-caller.js';

export interface DialOptions {
  sdp?: string;
  auth?: { username: string; password: string };
  followRedirects?: boolean;
}

export interface Answered {
  status: 200;
  dialog: SipDialog;
  sdp: string;
  /** Resolves when the trunk has hung up. */
  hungUp: Promise<void>;
}

export type Answer = Answered | { status: number; response: SipResponse | undefined };

export interface PlacedCall {
  /** Statuses of the provisional responses so far, 100 left out. */
  provisionals: number[];
  /** Resolves with the first provisional response that is not 100. */
  progress: Promise<SipResponse>;
  answer: Promise<Answer>;
  cancel(): void;
}

/** Calls a number of the trunk as the dialer does. */
export function dial(
  { stack }: DrachtioConnection,
  trunkPort: number,
  number: string,
  { sdp = offer, ...options }: DialOptions = {},
): PlacedCall {
  const provisionals: number[] = [];
  let sent: SentRequest | undefined;
  let onProgress: (response: SipResponse) => void = () => {};
  const progress = new Promise<SipResponse>((resolve) => {
    onProgress = resolve;
  });
  const uri = `sip:${number}@127.0.0.1:${trunkPort}`;
  const answer = stack
    .createUAC(
      uri,
      { headers: {}, localSdp: sdp, ...options },
      {
        cbRequest: (_, request) => {
          sent = request;
        },
        cbProvisional: (response) => {
          if (response.status === 100) return;
          provisionals.push(response.status);
          onProgress(response);
        },
      },
    )
    .then(answered, refused);
  return {
    provisionals,
    progress,
    answer,
    cancel: () => sent?.cancel(() => {}),
  };
}

function answered(dialog: SipDialog): Answered {
  const hungUp = new Promise<void>((resolve) => dialog.once('destroy', () => resolve()));
  return { status: 200, dialog, sdp: dialog.remote.sdp, hungUp };
}

function refused(error: unknown): Answer {
  if (!isSipError(error)) throw error;
  return { status: error.status, response: error.res };
}

/** The call was answered, or the test fails. */
export async function answerOf(call: PlacedCall): Promise<Answered> {
  const answer = await call.answer;
  if (!('dialog' in answer)) throw new Error(`The call was refused with ${answer.status}`);
  return answer;
}
