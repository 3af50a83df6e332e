/** Who a request or a connection acts for. */
export interface Principal {
  accountId: string;
  keyId: string;
  /** Name of the key; the actor of the changes made with it. */
  name: string;
  role: 'admin' | 'operator' | 'viewer';
  /** Made by ADMIN_KEY: may change limits and other accounts. */
  isRoot: boolean;
}

/** The principal of an API key, or null when the key is unknown or revoked. */
export type Authenticate = (token: string) => Promise<Principal | null>;
