import { fullJitter, type ReconnectPolicy } from './backoff.js';
import { Connection, type Token } from './connection.js';
import { LiveError } from './errors.js';
import { TopicSubscription } from './subscription.js';
import type { ConnectionState, SubscribeOptions, Subscription, TopicName } from './types.js';

/** Settings of {@link connect}. */
export interface ConnectOptions {
  /** Where the server is, such as `https://dial.example.com`. */
  url: string;
  /** API key or stream token; a function is asked anew before every try to connect. */
  token: Token;
  /** How long to wait before trying again; full jitter up to 20 s when left out. */
  reconnect?: ReconnectPolicy;
  /** Called with every change of the connection. */
  onState?: (state: ConnectionState) => void;
}

/** A live client: one connection that comes back by itself, with any number of topics. */
export interface LiveClient {
  /** How the connection stands. */
  readonly state: ConnectionState;
  /**
   * Subscribes to a topic; it goes on after every reconnect until it is closed.
   * Throws {@link LiveError} `already_subscribed` when this client has the topic, `closed` after `close`.
   */
  subscribe<Topic extends TopicName>(topic: Topic, options?: SubscribeOptions<Topic>): Subscription;
  /** Calls back with every change of the connection. Gives what ends that. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Ends the connection and all subscriptions. */
  close(): void;
}

type AnySubscription = TopicSubscription<TopicName>;

/** Connects to a Dialstream server, and keeps connected. Returns at once; see `onState`. */
export function connect(options: ConnectOptions): LiveClient {
  const reconnect = options.reconnect ?? fullJitter();
  const subscriptions = new Map<string, AnySubscription>();
  const listeners = new Set<(state: ConnectionState) => void>();
  if (options.onState) listeners.add(options.onState);

  const connection = new Connection(
    { url: options.url, token: options.token, reconnect },
    {
      opened: () => each((subscription) => subscription.opened(request)),
      lost: () => each((subscription) => subscription.lost('the connection was lost')),
      stateChanged(state) {
        if (state.status === 'closed') each((one) => one.ended(state.code, state.reason));
        for (const listener of listeners) listener(state);
      },
      event: (event) => subscriptions.get(event.topic)?.event(event),
      heartbeat: (heads) => each((subscription) => subscription.heartbeat(heads[subscription.topic])),
      resync: (topic, code) => subscriptions.get(topic)?.resync(code),
    },
  );
  const request = connection.request.bind(connection);

  function each(call: (subscription: AnySubscription) => void): void {
    // A copy: whoever is called may add and remove subscriptions.
    const all = [...subscriptions.values()];
    for (const subscription of all) call(subscription);
  }

  return {
    get state() {
      return connection.state;
    },
    subscribe(topic, subscribeOptions = {}) {
      if (connection.state.status === 'closed') throw new LiveError('closed', 'The client is closed.');
      if (subscriptions.has(topic)) {
        throw new LiveError('already_subscribed', `This client is subscribed to ${topic} already.`);
      }
      const subscription = new TopicSubscription(topic, subscribeOptions, reconnect, () =>
        subscriptions.delete(topic),
      );
      subscriptions.set(topic, subscription);
      if (connection.isOpen) subscription.opened(request);
      return subscription;
    },
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => connection.close(),
  };
}
