/** Where our RTP would be received. */
export interface RtpAddress {
  /** An IP address. */
  host: string;
  port: number;
}

/** Static payload types of G.711 (RFC 3551 section 6). */
const staticCodecs: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
]);

const counterDirections: Readonly<Record<string, string>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

interface Media {
  kind: string;
  port: number;
  protocol: string;
  formats: string[];
  lines: string[];
}

interface Format {
  payloadType: number;
  codec: string;
}

/**
 * Answers an offer (RFC 3264 section 6) with the first G.711 codec it names, and telephone-events when
 * offered; all other media are refused. Null when nothing can be used. An INVITE without an offer gets
 * ours (RFC 3261 section 13.2.1): both codecs.
 */
export function answerSdp(offer: string, sessionId: number, rtp: RtpAddress): string | null {
  if (offer.trim() === '') return describe(sessionId, rtp, audioOf(rtp, ownFormats, 'sendrecv'));
  const { session, media } = parseOffer(offer);
  const chosen = media.findIndex((section) => usableCodec(section) !== undefined);
  if (chosen === -1) return null;
  const answers = media.map((section, index) =>
    index === chosen ? accept(section, session, rtp) : refuse(section),
  );
  return describe(sessionId, rtp, answers.flat());
}

const ownFormats: readonly Format[] = [
  { payloadType: 0, codec: 'PCMU' },
  { payloadType: 8, codec: 'PCMA' },
];

function describe(sessionId: number, { host }: RtpAddress, media: readonly string[]): string {
  const address = `IN ${host.includes(':') ? 'IP6' : 'IP4'} ${host}`;
  const session = ['v=0', `o=demo-trunk ${sessionId} 1 ${address}`, 's=-', `c=${address}`, 't=0 0'];
  return [...session, ...media, ''].join('\r\n');
}

function parseOffer(offer: string): { session: string[]; media: Media[] } {
  const [session = [], ...sections] = offer.split(/^(?=m=)/m).map((text) => text.split(/\r?\n/));
  const all = offer.startsWith('m=') ? [session, ...sections] : sections;
  return { session: offer.startsWith('m=') ? [] : session, media: all.map(parseMedia) };
}

function parseMedia(lines: string[]): Media {
  const [kind = '', port = '0', protocol = '', ...formats] = (lines[0] ?? '').slice(2).trim().split(/ +/);
  return { kind, port: Number.parseInt(port, 10), protocol, formats, lines };
}

function accept(section: Media, session: string[], rtp: RtpAddress): string[] {
  const codec = usableCodec(section);
  const events = formatsOf(section).find((format) => format.codec === 'telephone-event');
  const formats = [codec, events].filter((format) => format !== undefined);
  const offered = directionOf(section.lines) ?? directionOf(session) ?? 'sendrecv';
  return audioOf(rtp, formats, counterDirections[offered] ?? 'sendrecv');
}

function audioOf({ port }: RtpAddress, formats: readonly Format[], direction: string): string[] {
  const events = formats.find(({ codec }) => codec === 'telephone-event');
  return [
    `m=audio ${port} RTP/AVP ${formats.map(({ payloadType }) => payloadType).join(' ')}`,
    ...formats.map(({ payloadType, codec }) => `a=rtpmap:${payloadType} ${codec}/8000`),
    ...(events ? [`a=fmtp:${events.payloadType} 0-16`] : []),
    'a=ptime:20',
    `a=${direction}`,
  ];
}

/** A port of zero refuses a stream; its line keeps its place (RFC 3264 section 6). */
function refuse({ kind, protocol, formats }: Media): string[] {
  return [`m=${kind} 0 ${protocol} ${formats.join(' ')}`];
}

function usableCodec(section: Media): Format | undefined {
  if (section.kind !== 'audio' || section.protocol !== 'RTP/AVP' || !(section.port > 0)) return undefined;
  return formatsOf(section).find(({ codec }) => codec === 'PCMU' || codec === 'PCMA');
}

/** The offered 8 kHz formats in the caller's order. */
function formatsOf({ formats, lines }: Media): Format[] {
  const mapped = new Map<number, string>();
  for (const line of lines) {
    const match = /^a=rtpmap:(\d+) +([\w-]+)\/(\d+)/i.exec(line);
    if (!match) continue;
    const [, payloadType, name = '', rate] = match;
    mapped.set(Number(payloadType), rate === '8000' ? nameOf(name) : '');
  }
  return formats.map(Number).flatMap((payloadType) => {
    const codec = mapped.get(payloadType) ?? staticCodecs.get(payloadType);
    return codec ? [{ payloadType, codec }] : [];
  });
}

/** Encoding names are not case-sensitive (RFC 4855 section 3). */
function nameOf(name: string): string {
  return name.toLowerCase() === 'telephone-event' ? 'telephone-event' : name.toUpperCase();
}

function directionOf(lines: string[]): string | undefined {
  return lines.map((line) => /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/.exec(line)?.[1]).find(Boolean);
}
