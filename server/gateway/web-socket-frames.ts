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

/** Makes the frames of events, one after the other. Each is made once, however many connections get it. */
function framesOf(textOf: (event: PlacedEvent) => string): (events: readonly PlacedEvent[]) => Buffer {
  const made = new WeakMap<PlacedEvent, Buffer>();
  // Those who come back together are given the same list.
  const joined = new WeakMap<readonly PlacedEvent[], Buffer>();
  return (events) => {
    const known = joined.get(events);
    if (known !== undefined) return known;
    const all = events.map((event) => {
      let frame = made.get(event);
      if (frame === undefined) made.set(event, (frame = textFrame(textOf(event))));
      return frame;
    });
    const frames = all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all);
    joined.set(events, frames);
    return frames;
  };
}

/** As `/v1/stream` sends them. */
export const eventFrames = framesOf((event) => `{"op":"event",${event.json.slice(1)}`);

/** As Socket.IO sends them over WebSocket: a message (4) that is an event (2) of the default namespace. */
export const socketIoFrames = framesOf((event) => `42["event",${event.json}]`);
