import { createClient, type ConnectOptions, type LiveClient } from './client.js';
import { webSocket } from './web-socket.js';

/**
 * Connects to a Dialstream server, and keeps connected: over plain WebSocket, unless another transport is
 * given. Returns at once; see `onState`. Throws a TypeError when `url` is no address, or when there is no
 * WebSocket here.
 */
export function connect(options: ConnectOptions): LiveClient {
  return createClient({ ...options, transport: options.transport ?? webSocket() });
}
