import { io } from 'socket.io-client';

/** Prints what happens in a topic. Its cursor is kept, so that a lost connection loses no event. */
export function print({ url, topic, token, log }) {
  // Polling would need a balancer that sends a client to the same gateway each time.
  const socket = io(url, { auth: { token }, transports: ['websocket'] });
  let cursor = null;

  function subscribe() {
    socket.emit('subscribe', { topic, cursor }, (ack) => {
      if (!ack.ok) return log('refused', ack.code);
      if (!ack.recovered) log('snapshot', ack.snapshot);
      cursor = ack.cursor;
    });
  }

  socket.on('connect', subscribe);
  socket.on('resync', subscribe);
  socket.on('event', (event) => {
    cursor = { epoch: event.epoch, seq: event.seq };
    log(event.type, event.data);
  });
  socket.on('connect_error', ({ message }) => log('refused', message));
  return socket;
}
