/** Where to connect, and as whom. */
export interface TransportAddress {
  /** Where the server is, such as `https://dial.example.com`. */
  url: string;
  /** API key or stream token. */
  token: string;
}

/** Why there is no connection. */
export type TransportFault = 'unauthorized' | 'rate_limited' | 'unavailable' | 'unreachable' | 'lost';

/** What a transport tells of one connection; nothing before `open` has returned. */
export interface TransportListener {
  /** The server has let us in. */
  opened(): void;
  /** A message came. It is as the server sent it, and may be anything. */
  received(name: 'event' | 'heartbeat' | 'resync', message: unknown): void;
  /** It could not be opened, or is over. Nothing is told afterwards. */
  closed(code: TransportFault, reason: string): void;
}

/** One connection, which may still be opening. */
export interface TransportLink {
  /** Asks the server, once it is open. Answers once, with undefined when no answer came within 15 s. */
  request(name: 'subscribe' | 'unsubscribe', body: object, onAnswer: (answer: unknown) => void): void;
  /** Ends it. Nothing is told afterwards. */
  close(): void;
}

/** What carries the messages between client and server. */
export interface Transport {
  /** Begins to connect, once: what is lost is not connected again. What it throws counts as `unreachable`. */
  open(address: TransportAddress, listener: TransportListener): TransportLink;
}

/** How long a request waits for its answer, ms. */
export const answerMs = 15_000;
