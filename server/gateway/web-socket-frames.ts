import type { PlacedEvent } from './placed-event.js';

/** A text frame as a server sends it: whole and unmasked (RFC 6455, section 5.2). */
export function textFrame(text: string): Buffer {
  const payloadBytes = Buffer.byteLength(text);
  const headerBytes = payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + payloadBytes);
  frame[0] = 0x81;
  if (headerBytes === 2) frame[1] = payloadBytes;
  else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payloadBytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(payloadBytes), 2);
  }
  frame.write(text, headerBytes);
  return frame;
}

const frames = new WeakMap<PlacedEvent, Buffer>();

/** The frames of events, one after the other. Each is made once, however many connections get it. */
export function eventFrames(events: readonly PlacedEvent[]): Buffer {
  const all = events.map((event) => {
    let frame = frames.get(event);
    if (frame === undefined) {
      frame = textFrame(`{"op":"event",${event.json.slice(1)}`);
      frames.set(event, frame);
    }
    return frame;
  });
  return all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all);
}
