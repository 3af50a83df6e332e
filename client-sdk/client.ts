import { fullJitter, type ReconnectPolicy } from './backoff.js';
import { Connection, type Token } from './connection.js';
import { LiveError } from './errors.js';
import { iterate, type IterateOptions, type StreamItem } from './iterate.js';
import { TopicSubscription } from './subscription.js';
import { tell } from './tell.js';
import { TopicFeed } from './topic-feed.js';
import type { Transport } from './transport.js';
import type { ConnectionState, SubscribeOptions, Subscription, TopicName } from './types.js';

/** Settings of {@link connect}. */
export interface ConnectOptions {
  /** Where the server is, such as `https://dial.example.com`. */
  url: string;
  /** API key or stream token; a function is asked anew before every try to connect. */
  token: Token;
  /** What carries the messages: Socket.IO, or WebSocket where that is what was imported. */
  transport?: Transport;
  /** How long to wait before trying again; full jitter up to 20 s when left out. */
  reconnect?: ReconnectPolicy;
  /**
   * Milliseconds without any message after which the connection is given up and made anew, whatever the
   * transport thinks of it; 25,000 when left out. The server sends one every 10 s at least.
   */
  silenceMs?: number;
  /** Called with every change of the connection. */
  onState?: (state: ConnectionState) => void;
}

/** A live client: one connection that comes back by itself, with any number of topics. */
export interface LiveClient {
  /** Where the server is. */
  readonly url: string;
  /** How the connection stands: the same object until that changes. */
  readonly state: ConnectionState;
  /**
   * Subscribes to a topic; it goes on after every reconnect until it is closed. Several may share a topic:
   * each gets a snapshot of its own, or goes on from its own cursor.
   * Throws {@link LiveError} `closed` after `close`.
   */
  subscribe<Topic extends TopicName>(topic: Topic, options?: SubscribeOptions<Topic>): Subscription;
  /**
   * The same as something to iterate over; see {@link StreamItem}. Each iteration has a subscription of its
   * own, which ends with it. It throws {@link LiveError} when it is refused or the client gives up; it ends
   * when the signal is aborted or the client is closed.
   */
  events<Topic extends TopicName>(topic: Topic, options?: IterateOptions): AsyncIterable<StreamItem<Topic>>;
  /** Calls back with every change of the connection. Gives what ends that. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Ends the connection and all subscriptions. */
  close(): void;
}

/** Connects over a transport, and keeps connected. Throws a TypeError when the address is none. */
export function createClient(options: ConnectOptions & { transport: Transport }): LiveClient {
  const { url, token, transport, reconnect = fullJitter(), silenceMs = 25_000 } = options;
  const { href } = new URL(url);
  const feeds = new Map<TopicName, TopicFeed>();
  const listeners = new Set<(state: ConnectionState) => void>();
  if (options.onState) listeners.add(options.onState);

  const connection = new Connection(
    { url: href, token, transport, reconnect, silenceMs },
    {
      opened: () => each((feed) => feed.opened(request)),
      lost: () => each((feed) => feed.lost('the connection was lost')),
      stateChanged(state) {
        if (state.status === 'closed') each((feed) => feed.ended(state.code, state.reason));
        const all = [...listeners];
        for (const listener of all) tell(listener, state);
      },
      event: (event) => feeds.get(event.topic as TopicName)?.event(event),
      heartbeat: (heads) => each((feed) => feed.heartbeat(heads[feed.topic])),
      resync: (topic, code) => feeds.get(topic as TopicName)?.resync(code),
    },
  );
  const request = connection.request.bind(connection);

  /** A copy: whoever is called may add and remove feeds. */
  function each(call: (feed: TopicFeed) => void): void {
    const all = [...feeds.values()];
    for (const feed of all) call(feed);
  }

  function feedOf(topic: TopicName): TopicFeed {
    const known = feeds.get(topic);
    if (known) return known;
    const feed = new TopicFeed(topic, reconnect, () => {
      if (feeds.get(topic) === feed) feeds.delete(topic);
    });
    feeds.set(topic, feed);
    if (connection.isOpen) feed.opened(request);
    return feed;
  }

  const client: LiveClient = {
    url: href,
    get state() {
      return connection.state;
    },
    subscribe(topic, subscribeOptions = {}) {
      if (connection.state.status === 'closed') throw new LiveError('closed', 'The client is closed.');
      const feed = feedOf(topic);
      const subscription = new TopicSubscription(topic, subscribeOptions, feed);
      feed.add(subscription);
      return subscription;
    },
    events: (topic, iterateOptions = {}) => iterate(client, topic, iterateOptions),
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => connection.close(),
  };
  return client;
}
