import type { Bot as BotSettings } from '@dialstream/shared/domain/campaign.js';

/** What a bot is told of the call it serves. */
export interface Conversation {
  callId: string;
  campaignId: string;
  attempt: number;
  /** Session description of the far end. */
  remoteSdp: string;
  /** Aborted when the customer hangs up, or the call must end for another reason. */
  signal: AbortSignal;
}

/** Speaks with the customer from the answer until it is done; then the call is ended by us. */
export interface Bot {
  converse(conversation: Conversation): Promise<void>;
}

/** The bot of a campaign. For now there is one kind: it holds the line in silence. */
export function createBot(settings: BotSettings): Bot {
  return { converse: ({ signal }) => hold(settings.seconds * 1_000, signal) };
}

async function hold(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
