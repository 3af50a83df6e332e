import type { TopicName } from '@dialstream/shared/events/topics.js';
import type { Principal } from '../principal.js';

/** What a connection may: that of its key, and if it came with a stream token no more than that grants. */
export interface StreamRights {
  principal: Principal;
  /** Null: all that the principal may have. */
  topics: readonly TopicName[] | null;
  /** Null: as long as the key holds. */
  expiresAt: Date | null;
}

/** The rights that an API key or a stream token gives, or null. Throws when Postgres does not answer. */
export type AuthenticateStream = (token: string) => Promise<StreamRights | null>;

/** Who a key acts for by now; null when it was revoked. Throws when Postgres does not answer. */
export type FindPrincipal = (keyId: string) => Promise<Principal | null>;
