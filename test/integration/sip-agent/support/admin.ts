import { once } from 'node:events';
import net from 'node:net';

/** A raw connection to the admin port. */
export interface RawAdmin {
  /** Sends a payload in its frame. */
  send(payload: string): void;
  /** Sends bytes as they are. */
  raw(bytes: string | Buffer): void;
  /** The next payload that comes within 5 s. */
  next(): Promise<string>;
  closed: Promise<void>;
  close(): void;
}

export async function connectAdmin(port: number): Promise<RawAdmin> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const payloads: string[] = [];
  let wake: () => void = () => {};
  let buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    for (;;) {
      const hash = buffer.indexOf('#');
      const end = hash + 1 + Number(buffer.subarray(0, Math.max(0, hash)).toString());
      if (hash === -1 || buffer.length < end) break;
      payloads.push(buffer.subarray(hash + 1, end).toString());
      buffer = buffer.subarray(end);
    }
    wake();
  });
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      wake();
      resolve();
    });
  });
  return {
    send: (payload) => void socket.write(`${Buffer.byteLength(payload)}#${payload}`),
    raw: (bytes) => void socket.write(bytes),
    async next() {
      const until = performance.now() + 5_000;
      for (;;) {
        const payload = payloads.shift();
        if (payload !== undefined) return payload;
        const leftMs = until - performance.now();
        if (leftMs <= 0) throw new Error('no payload came');
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, leftMs);
        });
        clearTimeout(timer);
      }
    },
    closed,
    close: () => socket.destroy(),
  };
}
