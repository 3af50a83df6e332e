import type { AdminClient } from './admin-server.js';
import { endDialog, endFork, route, type Core } from './core.js';
import { nextHop } from './dialog.js';
import type { JournalEntry } from './journal.js';
import { parseMessage, type SipMessage } from './message.js';

/** Cancels what rings and ends what is answered, of one client or, without one, of all. */
export function endCalls(core: Core, client?: AdminClient): void {
  for (const invite of core.invites.values()) {
    if (client && invite.owner !== client) continue;
    invite.owner = null;
    invite.transaction.cancel();
  }
  for (const dialog of core.dialogs.all()) {
    if (client && dialog.owner !== client) continue;
    if (dialog.confirmed) void endDialog(core, dialog);
    else dialog.owner = null;
  }
}

/** Resolves when no call is left, or after the deadline. */
export async function untilEnded(core: Core, deadlineMs: number): Promise<void> {
  const until = performance.now() + deadlineMs;
  const busy = (): boolean =>
    core.dialogs.size > 0 || [...core.invites.values()].some(({ transaction }) => !transaction.isFinal);
  while (busy() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Ends what the journal of a killed agent holds: a CANCEL with the INVITE's own branch, or a BYE. */
export function endLeftOver(core: Core, key: string, entry: JournalEntry): void {
  const { transactions, transports, journal, log } = core;
  const onEnd = (): void => journal.end(key);
  const onFailed = (error: unknown): void => {
    log.warn({ err: error }, 'a call that a killed agent had left could not be ended');
    onEnd();
  };
  let request: SipMessage;
  try {
    request = parseMessage(entry.kind === 'dialog' ? entry.bye : entry.text);
  } catch (error) {
    onFailed(error);
    return;
  }
  if (entry.kind === 'dialog') {
    route(core, request, nextHop(request), entry.transport).then(
      (flow) => transactions.send(request, flow, { onResponse() {}, onEnd }),
      onFailed,
    );
    return;
  }
  transports.connect(entry).then((flow) => {
    // It takes the 487, or ends a 200 that has crossed; the INVITE itself is not sent again.
    const onResponse = (response: SipMessage): void => {
      if (response.status >= 200 && response.status < 300) void endFork(core, request, response);
    };
    const user = { send() {}, onResponse, onFurther2xx: onResponse, onEnd };
    transactions.sendInvite(request, flow, user, true).cancel();
  }, onFailed);
}
