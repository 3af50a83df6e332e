/** SIP as the tests read and write it: by hand, so that the agent's own parser judges nothing here. */

export interface Message {
  text: string;
  /** Empty for a response. */
  method: string;
  uri: string;
  /** 0 for a request. */
  status: number;
  reason: string;
  body: string;
  /** All values of a header, in order. */
  all(name: string): string[];
  /** The first value; '' when there is none. */
  get(name: string): string;
}

export function read(text: string): Message {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [start = '', ...lines] = head.split('\r\n');
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  const request = /^(\S+) (\S+) SIP\/2\.0$/.exec(start);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const all = (name: string): string[] =>
    headers.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
  return {
    text,
    method: request?.[1] ?? '',
    uri: request?.[2] ?? '',
    status: Number(response?.[1] ?? 0),
    reason: response?.[2] ?? '',
    body: rest.join('\r\n\r\n'),
    all,
    get: (name) => all(name)[0] ?? '',
  };
}

export function tagOf(value: string): string {
  return /;tag=([^;>\s]+)/.exec(value)?.[1] ?? '';
}

export function branchOf(message: Message): string {
  return /;branch=([^;\s]+)/.exec(message.get('via'))?.[1] ?? '';
}

export function cseqOf(message: Message): number {
  return Number.parseInt(message.get('cseq'), 10);
}

export interface Extra {
  headers?: readonly string[];
  body?: string;
}

export function write(start: string, headers: readonly string[], body = ''): string {
  return [start, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

/** A response to a request, with this To tag unless it has one. */
export function reply(
  request: Message,
  status: number,
  { tag = 'far', headers = [], body = '' }: Extra & { tag?: string } = {},
): string {
  const to = request.get('to');
  return write(
    `SIP/2.0 ${status} ${status < 300 ? 'Fine' : 'No'}`,
    [
      ...request.all('via').map((via) => `Via: ${via}`),
      `From: ${request.get('from')}`,
      `To: ${tagOf(to) === '' && tag !== '' && status > 100 ? `${to};tag=${tag}` : to}`,
      `Call-ID: ${request.get('call-id')}`,
      `CSeq: ${request.get('cseq')}`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ...headers,
    ],
    body,
  );
}

let sequence = 0;

/** A name that no other test uses. */
export function unique(what: string): string {
  sequence += 1;
  return `${what}-${process.pid}-${sequence}`;
}

export const sdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 20000 RTP/AVP 0',
  'a=sendrecv',
  '',
].join('\r\n');
