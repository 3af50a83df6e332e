import { io, type Socket } from 'socket.io-client';
import { answerMs, type Transport, type TransportFault, type TransportListener } from './transport.js';

/** Socket.IO: what `connect` uses unless told otherwise. Falls back to HTTP polling where WebSocket fails. */
export function socketIo(): Transport {
  return {
    open({ url, token }, listener) {
      const { origin, pathname } = new URL(url);
      const socket = io(origin, {
        path: `${pathname.replace(/\/$/, '')}/socket.io`,
        auth: { token },
        // Every try has a socket of its own, so that none inherits anything.
        forceNew: true,
        reconnection: false,
        autoConnect: false,
        // Straight to WebSocket: no gateway needs to know a session of another one.
        transports: ['websocket', 'polling'],
        tryAllTransports: true,
      });
      socket.on('connect', () => listener.opened());
      socket.on('connect_error', ({ message }: Error) => listener.closed(faultOf(message), message));
      socket.on('disconnect', (reason) => listener.closed('lost', reason));
      listen((name, onMessage) => socket.on(name, onMessage), listener);
      socket.connect();
      const stopWatching = watchOpening(socket, (reason) => listener.closed('unreachable', reason));
      return {
        request(name, body, onAnswer) {
          socket.timeout(answerMs).emit(name, body, (error: Error | null, answer: unknown) => {
            onAnswer(error === null ? answer : undefined);
          });
        },
        close() {
          stopWatching();
          socket.off();
          socket.disconnect();
        },
      };
    },
  };
}

/**
 * Tells when the engine closes between the upgrade and its first packet: socket.io-client says nothing then, and
 * would be waited for until the deadline. Gives what ends that.
 */
function watchOpening(socket: Socket, onClosed: (reason: string) => void): () => void {
  let isOpening = true;
  const end = (): void => {
    isOpening = false;
  };
  socket.io.once('open', end).once('error', end);
  socket.io.engine.on('close', (reason) => {
    if (isOpening) onClosed(reason);
    end();
  });
  return end;
}

function listen(
  on: (name: 'event' | 'heartbeat' | 'resync', onMessage: (message: unknown) => void) => void,
  listener: TransportListener,
): void {
  for (const name of ['event', 'heartbeat', 'resync'] as const) {
    on(name, (message) => listener.received(name, message));
  }
}

function faultOf(message: string): TransportFault {
  return message === 'unauthorized' || message === 'rate_limited' || message === 'unavailable'
    ? message
    : 'unreachable';
}
