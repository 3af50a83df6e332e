import { connect as connectTcp, type Socket } from 'node:net';

export interface LightSocketOptions {
  port: number;
  /** Path and query of the upgrade request. */
  path: string;
  onOpen: () => void;
  /** A text frame: bytes `start` to `end` of `buffer`, which holds something else after this call. */
  onText: (buffer: Buffer, start: number, end: number) => void;
  /** Called once, unless by `close`. */
  onLost: (why: string) => void;
}

export interface LightSocket {
  send(text: string): void;
  /** Ends it at once. */
  close(): void;
}

// All sockets of a process read into this: what was read has been looked at before the next read.
const readBuffer = Buffer.alloc(65_536);

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };

/**
 * A WebSocket (RFC 6455) to a server on this machine that does as little as can be done, so that ten
 * thousand of them take no more of the machine from the server than they must. It relies on what our servers
 * do: no extensions, no fragments, no masks.
 */
export function openLightSocket(options: LightSocketOptions): LightSocket {
  let rest: Buffer | null = null;
  let isOpen = false;
  let isOver = false;

  function lost(why: string): void {
    if (isOver) return;
    isOver = true;
    socket.destroy();
    options.onLost(why);
  }

  /** Gives what is left of a frame, or of the handshake, that has not come whole. */
  function read(buffer: Buffer, end: number): number {
    let at = isOpen ? 0 : readHandshake(buffer, end);
    while (!isOver && isOpen && at + 2 <= end) {
      const header = frameHeader(buffer, at, end);
      if (header === null || header.end > end) break;
      readFrame((buffer[at] ?? 0) & 15, buffer, header.start, header.end);
      at = header.end;
    }
    return at;
  }

  function readHandshake(buffer: Buffer, end: number): number {
    const text = buffer.toString('latin1', 0, end);
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) return 0;
    if (!text.startsWith('HTTP/1.1 101 ')) {
      lost(text.slice(0, 300));
      return end;
    }
    isOpen = true;
    options.onOpen();
    return headEnd + 4;
  }

  function readFrame(opcode: number, buffer: Buffer, start: number, end: number): void {
    if (opcode === opcodes.text) options.onText(buffer, start, end);
    else if (opcode === opcodes.ping) socket.write(clientFrame(opcodes.pong, buffer.subarray(start, end)));
    else if (opcode === opcodes.close)
      lost(`closed with ${end > start + 1 ? buffer.readUInt16BE(start) : ''}`);
  }

  const socket = connectTcp({
    host: '127.0.0.1',
    port: options.port,
    onread: {
      buffer: readBuffer,
      callback(size) {
        const buffer = rest === null ? readBuffer : Buffer.concat([rest, readBuffer.subarray(0, size)]);
        const end = rest === null ? size : buffer.length;
        const at = read(buffer, end);
        rest = at < end ? Buffer.from(buffer.subarray(at, end)) : null;
        return true;
      },
    },
  });
  upgrade(socket, options.path);
  socket.on('error', (error) => lost(error.message));
  socket.on('close', () => lost('cut'));

  return {
    send: (text) => void socket.write(clientFrame(opcodes.text, Buffer.from(text))),
    close() {
      isOver = true;
      socket.destroy();
    },
  };
}

function upgrade(socket: Socket, path: string): void {
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  );
}

/** Where the payload of the frame at `at` lies, or null when its header has not come whole. */
function frameHeader(buffer: Buffer, at: number, end: number): { start: number; end: number } | null {
  const length = (buffer[at + 1] ?? 0) & 127;
  if (length < 126) return { start: at + 2, end: at + 2 + length };
  if (length === 126) {
    return at + 4 > end ? null : { start: at + 4, end: at + 4 + buffer.readUInt16BE(at + 2) };
  }
  return at + 10 > end ? null : { start: at + 10, end: at + 10 + Number(buffer.readBigUInt64BE(at + 2)) };
}

/** What a client sends is masked; a mask of zeros leaves it as it is. */
function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header =
    length < 126 ? [0x80 | opcode, 0x80 | length] : [0x80 | opcode, 0xfe, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}
