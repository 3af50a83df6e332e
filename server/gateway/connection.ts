import type { Principal } from '../principal.js';
import type { Heads, ResyncCode } from '@dialstream/shared/events/protocol.js';
import type { PlacedEvent } from './topic-feed.js';

/** One client's connection, as a transport offers it to the session logic. Nothing of it throws. */
export interface Connection {
  readonly principal: Principal;
  /** Messages given to `send…` and `join` that the client's side has not taken yet. */
  backlog(): number;
  /** Resolves when nothing waits any more, or when the connection has closed. */
  drained(): Promise<void>;
  sendEvent(event: PlacedEvent): void;
  sendHeartbeat(heads: Heads): void;
  sendResync(topic: string, code: ResyncCode): void;
  /** From now on it gets what the transport fans out to a topic, by its stored name. */
  join(stored: string): void;
  leave(stored: string): void;
  /** Ends the connection from our side. */
  close(): void;
}
