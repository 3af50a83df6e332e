import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { startAdminServer, type AdminClient, type SipCommand } from './admin-server.js';
import { createDialogs, endDialog, endFork, route, type Core } from './core.js';
import { nextHop } from './dialog.js';
import {
  abandonIncoming,
  endUnacknowledged,
  forget,
  receiveCancel,
  receiveRequest,
  refuse,
  respond,
} from './incoming.js';
import { openJournal, type JournalEntry } from './journal.js';
import { parseMessage, SipMessage } from './message.js';
import { cancel, sendInside, sendOutside } from './outgoing.js';
import { receiveText } from './reception.js';
import { defaultTimers, type TimerValues } from './timers.js';
import { createTransactions } from './transactions.js';
import { openTransports, type Flow } from './transport.js';

export interface SipAgentOptions {
  /** Where drachtio-srf connects to. Port 0 takes a free one. */
  admin: { host: string; port: number; secret: string };
  /** Addresses for SIP; port 0 takes a free one. */
  sip: readonly SipAddress[];
  log: Log;
  /** Where open calls are noted, for the agent after a killed one to end them. Left out: nowhere. */
  journalFile?: string;
  timers?: Partial<TimerValues>;
  /** End the calls of a client that has gone (drachtio-server leaves them up). */
  endCallsOfLostClients?: boolean;
  /** Send 100 Trying when a client has not answered an INVITE within 200 ms. */
  autoTrying?: boolean;
}

export interface SipAgent {
  adminPort: number;
  /** The addresses with their real ports. */
  sip: SipAddress[];
  stats(): SipAgentStats;
  /** Ends all calls, waits a little for their ends, and closes. */
  close(): Promise<void>;
}

/** Gauges of what the agent holds, and how many messages were no SIP. */
export interface SipAgentStats {
  clients: number;
  clientTransactions: number;
  serverTransactions: number;
  invites: number;
  dialogs: number;
  dropped: number;
}

/** How long closing waits for BYEs and CANCELs to be answered, ms. */
const closeDeadlineMs = 3_000;

/**
 * Starts a process's SIP side that speaks drachtio's admin protocol. Rejects when an address is in use, naming it
 * and its variable.
 */
export async function startSipAgent(options: SipAgentOptions): Promise<SipAgent> {
  const { log, endCallsOfLostClients = true, autoTrying = true } = options;
  const timers = { ...defaultTimers, ...options.timers };
  const { journal, left } = openJournal(options.journalFile, log);
  let next = 0;
  const clientFor = (verb: string): AdminClient | undefined => {
    const willing = [...admin.clients()].filter((client) => client.isOpen && client.verbs.has(verb));
    next += 1;
    return willing[next % willing.length];
  };
  const flows = new WeakMap<SipMessage, Flow>();
  const transactions = createTransactions(
    {
      onRequest(request, flow, transaction) {
        flows.set(request, flow);
        receiveRequest({ core, clientFor, autoTrying }, request, flow, transaction);
      },
      onCancel: (message, invite) => receiveCancel(core, message, invite),
      onStray2xx: (response) => void endFork(core, requestOf(response), response),
      onNoAck(invite) {
        const flow = flows.get(invite.request);
        if (flow) endUnacknowledged(core, invite, flow);
      },
      onUnanswered: (invite) => refuse(core, invite, 480, 'Temporarily Unavailable'),
      onServerEnd(transaction) {
        const incoming = core.incomingOf.get(transaction);
        if (incoming) forget(core, incoming);
      },
    },
    timers,
    log,
  );
  const transports = await openTransports({
    bind: options.sip,
    onMessage: (text, flow) => receiveText(core, text, flow),
    onGarbage: () => void (core.dropped += 1),
    log,
  });
  const core: Core = {
    transports,
    transactions,
    dialogs: createDialogs(journal),
    journal,
    log,
    invites: new Map(),
    incoming: new Map(),
    incomingOf: new Map(),
    forks: new Map(),
    timers,
    dropped: 0,
  };
  const admin = await startAdminServer({
    ...options.admin,
    sipAddresses: transports.addresses
      .map(({ transport, host, port }) => `${transport}/${host}:${port}`)
      .join(','),
    onSip: (client, command) => obey(core, client, command),
    onLost(client) {
      if (endCallsOfLostClients) endCallsOf(core, client);
      abandonIncoming(core, client);
    },
    log,
  }).catch(async (error: unknown) => {
    await transports.close();
    throw error;
  });
  for (const [key, entry] of left) endLeftOver(core, key, entry);
  if (left.size > 0) log.warn({ calls: left.size }, 'ending the calls that a killed agent had left');

  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    for (const client of admin.clients()) endCallsOf(core, client);
    await admin.close();
    const until = performance.now() + closeDeadlineMs;
    const busy = (): boolean =>
      core.dialogs.size > 0 || [...core.invites.values()].some(({ transaction }) => !transaction.isFinal);
    while (busy() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    transactions.close();
    await transports.close();
    journal.close();
  }

  return {
    adminPort: admin.port,
    sip: transports.addresses,
    stats() {
      const { client, server } = transactions.counts();
      return {
        clients: admin.clients().size,
        clientTransactions: client,
        serverTransactions: server,
        invites: core.invites.size,
        dialogs: core.dialogs.size,
        dropped: core.dropped,
      };
    },
    close: () => (closing ??= close()),
  };
}

/** What a client asks to be sent. */
function obey(core: Core, client: AdminClient, command: SipCommand): void {
  let message: SipMessage;
  try {
    message = parseMessage(command.text);
  } catch (error) {
    client.nok(command.msgId, error instanceof Error ? error.message : 'no SIP message');
    return;
  }
  if (!message.isRequest) respond(core, client, command, message);
  else if (message.method === 'CANCEL') cancel(core, client, command, message);
  else {
    const sent =
      command.dialogId === ''
        ? sendOutside(core, client, command, message)
        : sendInside(core, client, command, message);
    sent.catch((error: unknown) => {
      core.log.error({ err: error }, 'a request of a client could not be worked on');
      client.nok(command.msgId, 'internal error');
    });
  }
}

function endCallsOf(core: Core, client: AdminClient): void {
  for (const invite of core.invites.values()) {
    if (invite.owner !== client) continue;
    invite.owner = null;
    invite.transaction.cancel();
  }
  for (const dialog of core.dialogs.all()) {
    if (dialog.owner !== client) continue;
    if (dialog.confirmed) void endDialog(core, dialog);
    else dialog.owner = null;
  }
}

/** A request like the one that a response answers, as far as the response tells. */
function requestOf(response: SipMessage): SipMessage {
  return SipMessage.request('INVITE', 'sip:unknown.invalid').copy(response, 'From', 'To', 'Call-ID', 'CSeq');
}

/** Ends what the journal of a killed agent holds: a CANCEL with the INVITE's own branch, or a BYE. */
function endLeftOver(core: Core, key: string, entry: JournalEntry): void {
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
