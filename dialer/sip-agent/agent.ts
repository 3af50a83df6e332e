import type { SipAddress } from '@dialstream/shared/config.js';
import type { Log } from '@dialstream/shared/log.js';
import { startAdminServer, type AdminClient, type AdminServer, type SipCommand } from './admin-server.js';
import { createDialogs, endFork, type Core } from './core.js';
import { endCalls, endLeftOver, untilEnded } from './endings.js';
import {
  abandonIncoming,
  endUnacknowledged,
  forget,
  receiveCancel,
  receiveRequest,
  refuse,
  respond,
} from './incoming.js';
import { openJournal, type Journal } from './journal.js';
import { parseMessage, SipMessage } from './message.js';
import { cancel, sendInside, sendOutside } from './outgoing.js';
import { receiveText } from './reception.js';
import { defaultTimers, type TimerValues } from './timers.js';
import { createTransactions, type TransactionUser } from './transactions.js';
import { openTransports, type Transports } from './transport.js';

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
  /** Requests from the network that a client is still to answer. */
  incoming: number;
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
  const { log, endCallsOfLostClients = true } = options;
  let core: Core | undefined;
  const transports = await openTransports({
    bind: options.sip,
    // Nobody can work on what comes before all is open; it will come again.
    onMessage(text, flow) {
      if (core) receiveText(core, text, flow);
    },
    onGarbage() {
      if (core) core.dropped += 1;
    },
    log,
  });
  let admin: AdminServer | undefined;
  try {
    admin = await startAdminServer({
      ...options.admin,
      sipAddresses: transports.addresses
        .map(({ transport, host, port }) => `${transport}/${host}:${port}`)
        .join(','),
      onSip(client, command) {
        if (core) obey(core, client, command);
      },
      onLost(client) {
        if (!core) return;
        if (endCallsOfLostClients) endCalls(core, client);
        abandonIncoming(core, client);
      },
      log,
    });
    // Only now: the journal may be that of an agent that runs already, on these ports.
    const { journal, left } = openJournal(options.journalFile, log);
    core = createCore(options, transports, journal, admin);
    for (const [key, entry] of left) endLeftOver(core, key, entry);
    if (left.size > 0) log.warn({ calls: left.size }, 'ending the calls that a killed agent had left');
    return runningAgent(core, admin);
  } catch (error) {
    await admin?.close();
    await transports.close();
    throw error;
  }
}

function createCore(
  { log, autoTrying = true, timers: given }: SipAgentOptions,
  transports: Transports,
  journal: Journal,
  admin: AdminServer,
): Core {
  const timers = { ...defaultTimers, ...given };
  let next = 0;
  const clientFor = (verb: string): AdminClient | undefined => {
    const willing = [...admin.clients()].filter((client) => client.isOpen && client.verbs.has(verb));
    next += 1;
    return willing[next % willing.length];
  };
  const user: TransactionUser = {
    onRequest: (request, flow, transaction) =>
      receiveRequest({ core, clientFor, autoTrying }, request, flow, transaction),
    onCancel: (message, invite) => receiveCancel(core, message, invite),
    onStray2xx: (response) => void endFork(core, requestOf(response), response),
    onNoAck: (invite) => endUnacknowledged(core, invite),
    onUnanswered: (invite) => refuse(core, invite, 480, 'Temporarily Unavailable'),
    onServerEnd(transaction) {
      const incoming = core.incomingOf.get(transaction);
      if (incoming) forget(core, incoming);
    },
  };
  const core: Core = {
    transports,
    transactions: createTransactions(user, timers, log),
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
  return core;
}

function runningAgent(core: Core, admin: AdminServer): SipAgent {
  const { transactions, transports, journal } = core;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    endCalls(core);
    await admin.close();
    await untilEnded(core, closeDeadlineMs);
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
        incoming: core.incoming.size,
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

/** A request like the one that a response answers, as far as the response tells. */
function requestOf(response: SipMessage): SipMessage {
  return SipMessage.request('INVITE', 'sip:unknown.invalid').copy(response, 'From', 'To', 'Call-ID', 'CSeq');
}
