/** RTP payload types of the codecs that are offered (RFC 3551 section 6). */
const payloadTypes = { PCMU: 0, PCMA: 8 } as const;
export type Codec = keyof typeof payloadTypes;

/**
 * An offer of G.711 with telephone-events (RFC 4566, RFC 4733), in the order of `codecs`.
 * `id` makes it one session; `port` is where our RTP would be received.
 */
export function offerSdp(host: string, port: number, codecs: readonly Codec[], id: number): string {
  const family = host.includes(':') ? 'IP6' : 'IP4';
  const formats = codecs.map((codec) => payloadTypes[codec]);
  return [
    'v=0',
    `o=dialstream ${id} 1 IN ${family} ${host}`,
    's=-',
    `c=IN ${family} ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats.join(' ')} 101`,
    ...codecs.map((codec) => `a=rtpmap:${payloadTypes[codec]} ${codec}/8000`),
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** Whether an answer accepts audio in one of the codecs that were offered. */
export function acceptsAudio(answer: string, codecs: readonly Codec[]): boolean {
  const media = /^m=audio (\d+) RTP\/AVP ([\d ]+)/m.exec(answer);
  if (media?.[1] === undefined || media[2] === undefined || media[1] === '0') return false;
  const formats = media[2].trim().split(/ +/).map(Number);
  return codecs.some((codec) => formats.includes(payloadTypes[codec]));
}
