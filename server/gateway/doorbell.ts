import { doorbell } from '@dialstream/shared/events/topics.js';
import type { Redis } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';

export interface DoorbellOptions {
  redis: Redis;
  prefix: string;
  log: Log;
  /** A topic, by its stored name, may have new events. */
  onRing: (stored: string) => void;
  /** Rings are heard (again) from now on; those before may have been missed. */
  onListening: () => void;
}

export interface Doorbell {
  /** Makes sure that the connection lives; one that does not answer is made anew. */
  check(): Promise<void>;
  close(): void;
}

/** Listens on a connection of its own, since a subscribed one takes no other commands. */
export function listenToDoorbell({ redis, prefix, log, onRing, onListening }: DoorbellOptions): Doorbell {
  const subscriber = redis.duplicate({ autoResubscribe: false, connectionName: 'gateway-doorbell' });
  let closed = false;

  async function listen(): Promise<void> {
    try {
      await subscriber.subscribe(doorbell(prefix));
      if (!closed) onListening();
    } catch (error) {
      log.debug({ err: error }, 'the doorbell could not be subscribed to');
      if (!closed) subscriber.disconnect(true);
    }
  }

  // The connection of `redis` says so in the log when Redis is not reachable; one voice is enough.
  subscriber.on('error', (error: Error) => log.debug({ err: error }, 'doorbell connection broke'));
  subscriber.on('message', (_channel: string, stored: string) => onRing(stored));
  subscriber.on('ready', () => void listen());

  return {
    async check() {
      if (closed || subscriber.status !== 'ready') return;
      try {
        await subscriber.ping();
      } catch {
        if (!closed) subscriber.disconnect(true);
      }
    },
    close() {
      closed = true;
      subscriber.disconnect();
    },
  };
}
