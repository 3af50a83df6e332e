import { createClient, type ConnectOptions, type LiveClient } from './client.js';
import { socketIo } from './socket-io.js';

/**
 * Connects to a Dialstream server, and keeps connected: over Socket.IO, unless another transport is given.
 * Returns at once; see `onState`. Throws a TypeError when `url` is no address.
 */
export function connect(options: ConnectOptions): LiveClient {
  return createClient({ ...options, transport: options.transport ?? socketIo() });
}
