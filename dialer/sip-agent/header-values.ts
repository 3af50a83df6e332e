/** What stands in the values of headers: parameters, URIs, lists (RFC 3261 section 20). */

/** The value of a header parameter, outside of `<…>` and quotes; '' for one without a value. */
export function paramOf(value: string | undefined, name: string): string | undefined {
  if (value === undefined) return undefined;
  let from = value.indexOf(';', value.lastIndexOf('>') + 1);
  while (from !== -1) {
    const next = value.indexOf(';', from + 1);
    const end = next === -1 ? value.length : next;
    const param = value.slice(from + 1, end);
    const equals = param.indexOf('=');
    const found = (equals === -1 ? param : param.slice(0, equals)).trim();
    if (found.toLowerCase() === name) return equals === -1 ? '' : param.slice(equals + 1).trim();
    from = next;
  }
  return undefined;
}

export function tagOf(value: string | undefined): string | undefined {
  return paramOf(value, 'tag');
}

/** The URI of a From, To, Contact or Route value. */
export function uriOf(value: string): string {
  const quote = value.startsWith('"') ? (/^"(?:[^"\\]|\\.)*"/.exec(value)?.[0].length ?? 0) : 0;
  const open = value.indexOf('<', quote);
  if (open !== -1) return value.slice(open + 1, Math.max(open + 1, value.indexOf('>', open)));
  return (value.split(';')[0] ?? value).trim();
}

/** The URI of a client's proxy: `sip:host:port;lr`, `<sip:…>`, or only `host:port`. */
export function proxyUri(proxy: string): string {
  return /^<?sips?:/i.test(proxy) ? uriOf(proxy) : `sip:${proxy}`;
}

/** Splits comma-separated values, commas inside of quotes and `<…>` left alone. */
export function splitValues(values: readonly string[]): string[] {
  return values.flatMap((line) => {
    if (!line.includes(',')) return [line];
    const parts: string[] = [];
    let start = 0;
    let quoted = false;
    let inside = false;
    for (let i = 0; i < line.length; i += 1) {
      const char = line[i];
      if (char === '\\' && quoted) i += 1;
      else if (char === '"') quoted = !quoted;
      else if (char === '<' && !quoted) inside = true;
      else if (char === '>' && !quoted) inside = false;
      else if (char === ',' && !quoted && !inside) {
        parts.push(line.slice(start, i).trim());
        start = i + 1;
      }
    }
    return [...parts, line.slice(start).trim()].filter((part) => part.length > 0);
  });
}

export interface Address {
  transport: 'udp' | 'tcp';
  host: string;
  port: number;
}

/** Where a SIP URI leads (RFC 3263 without SRV): host, port or 5060, transport or `otherwise`. Null when it is none. */
export function addressOf(uri: string, otherwise: 'udp' | 'tcp' = 'udp'): Address | null {
  const match = /^sip:(?:[^@]*@)?(\[[0-9a-f:.]+\]|[^@:;?>\s[\]]+)(?::(\d{1,5}))?(;[^?\s]*)?(?:\?\S*)?$/i.exec(
    uri,
  );
  if (match?.[1] === undefined) return null;
  const port = match[2] === undefined ? 5060 : Number(match[2]);
  const transport = /;transport=([a-z]+)/i.exec(match[3] ?? '')?.[1]?.toLowerCase() ?? otherwise;
  if (port < 1 || port > 65_535 || (transport !== 'udp' && transport !== 'tcp')) return null;
  return { transport, host: match[1].replace(/^\[|\]$/g, ''), port };
}
