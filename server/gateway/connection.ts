import type { Heads, ResyncCode } from '@dialstream/shared/events/protocol.js';
import type { PlacedEvent } from './placed-event.js';
import type { StreamRights } from './stream-rights.js';
import type { Session } from './session.js';

/** Why the gateway ends a connection. */
export type CloseReason = 'unauthorized' | 'rate_limited' | 'too_slow';

/** One client's connection, as a transport offers it to the session logic. Nothing of it throws. */
export interface Connection {
  /** Bytes given to it that the client's side has not taken yet. */
  backlog(): number;
  /** Resolves when what now waits was taken, or when the connection has closed. */
  drained(): Promise<void>;
  sendEvents(events: readonly PlacedEvent[]): void;
  sendHeartbeat(heads: Heads): void;
  sendResync(topic: string, code: ResyncCode): void;
  /** From now on it gets what the transport fans out to a room. */
  join(room: string): void;
  leave(room: string): void;
  /** Ends the connection from our side, after what was sent before if the client takes it soon. */
  close(reason: CloseReason): void;
}

/** Why a client is not let in. */
export type AdmissionRefusal = 'unauthorized' | 'rate_limited' | 'unavailable';

/** What a transport asks of the gateway. */
export interface Admission {
  /** Who a token acts for, or why it does not. Answers within a deadline; does not throw. */
  admit(token: unknown): Promise<StreamRights | { refused: AdmissionRefusal }>;
  /** A client has come; its session takes what it asks. Null: its key has too many connections. */
  open(connection: Connection, rights: StreamRights): Session | null;
  /** The connection of a session has ended. */
  closed(session: Session): void;
}

/** One way for clients to come. */
export interface Transport {
  /** Gives how many connections there are in the room. */
  fanOut(room: string, events: readonly PlacedEvent[]): number;
  /** Disconnects all clients, and lets no more in. */
  close(): void;
}

/** Our clients' messages are small: a topic and a cursor. */
export const messageBytesAtMost = 16_384;
/** Milliseconds between two pings. */
export const pingEveryMs = 20_000;
/**
 * Milliseconds after which a client that is not heard of is given up. One that hangs for a minute is not:
 * it costs little, and goes on where it was.
 */
export const silenceMs = 90_000;
/** Milliseconds that a client has to take its last messages before the connection is cut. */
export const lastWordsMs = 2_000;
