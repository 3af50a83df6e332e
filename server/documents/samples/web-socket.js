/**
 * Follows a topic over plain WebSocket: calls `onSnapshot` with the state, then `onEvent` with each event after
 * it, once and in order, through lost connections and restarts. `getToken` gives an API key or a stream token.
 */
export function follow({ url, topic, getToken, onSnapshot, onEvent, cursor = null }) {
  let socket = null;
  let isLive = false;
  let isClosed = false;
  let failures = 0;
  let timer;

  async function connect() {
    try {
      const token = encodeURIComponent(await getToken());
      if (isClosed) return;
      socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream?token=${token}`);
      socket.addEventListener('open', subscribe);
      socket.addEventListener('message', ({ data }) => received(JSON.parse(data)));
      socket.addEventListener('close', connectLater);
    } catch {
      connectLater();
    }
  }

  function connectLater() {
    isLive = false;
    if (isClosed) return;
    // At random, so that not all clients come back at once.
    timer = setTimeout(() => void connect(), Math.random() * Math.min(30_000, 500 * 2 ** failures));
    failures += 1;
  }

  function subscribe() {
    isLive = false;
    socket.send(JSON.stringify({ op: 'subscribe', id: 1, topic, cursor }));
  }

  function received(frame) {
    if (frame.op === 'ack') subscribed(frame);
    else if (frame.op === 'resync') subscribe();
    else if (frame.op === 'event' && isLive) happened(frame);
    else if (frame.op === 'heartbeat' && isLive && isBehind(frame.heads[topic])) subscribe();
  }

  function subscribed(ack) {
    // Refused: connecting again tries again, each time later.
    if (!ack.ok) return socket.close(1000, ack.code);
    failures = 0;
    isLive = true;
    if (ack.recovered) return;
    cursor = ack.cursor;
    onSnapshot(ack.snapshot);
  }

  function happened(event) {
    const { epoch, seq } = event;
    if (epoch === cursor.epoch && seq <= cursor.seq) return; // We have it.
    if (epoch !== cursor.epoch || seq > cursor.seq + 1) return subscribe(); // We have missed something.
    onEvent(event);
    cursor = { epoch, seq };
  }

  function isBehind(head) {
    return head !== undefined && (head.epoch !== cursor.epoch || head.seq > cursor.seq);
  }

  void connect();
  return {
    /** Keep it, and give it to the next `follow`: it goes on from there. */
    cursor: () => cursor,
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}
