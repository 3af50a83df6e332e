import fs from 'node:fs';
import path from 'node:path';
import type { Log } from '@dialstream/shared/log.js';
import { SipMessage } from './message.js';
import type { Flow } from './transport.js';

/**
 * What must be ended at the far end should this process die: one line of JSON when an INVITE leaves or a dialog
 * is made, and one when it is over. Lines are gathered in one turn of the event loop and written with one call; an
 * INVITE leaves only after that. Ends alone wait a few milliseconds for company: one that is lost costs a CANCEL or
 * BYE too many. A killed process loses nothing that was written: it is the kernel's by then.
 */
export interface Journal {
  /** Notes something open; `then` runs once the note is written. */
  open(key: string, entry: JournalEntry, then?: () => void): void;
  /** Notes its end. */
  end(key: string): void;
  close(): void;
}

export type JournalEntry =
  /** An INVITE, without its body. */
  | { kind: 'invite'; text: string; transport: 'udp' | 'tcp'; host: string; port: number }
  /** A dialog: a BYE in it, all but its Via; the transport is for a target that names none. */
  | { kind: 'dialog'; bye: string; transport: 'udp' | 'tcp' };

/** What a successor needs to cancel an INVITE. */
export function inviteEntry(invite: SipMessage, { transport, host, port }: Flow): JournalEntry {
  const text = SipMessage.request(invite.method, invite.uri)
    .copy(invite, 'Via', 'Route', 'From', 'To', 'Call-ID', 'CSeq')
    .toString();
  return { kind: 'invite', text, transport, host, port };
}

const compactAtBytes = 8 * 1024 * 1024;
const lazyMs = 5;

/**
 * Opens the journal, and tells what a killed agent has left in it. That stays noted, by its key, until its end
 * is. Without a file nothing is noted.
 */
export function openJournal(
  file: string | undefined,
  log: Log,
): { journal: Journal; left: Map<string, JournalEntry> } {
  if (file === undefined) {
    return { journal: { open: (_key, _entry, then) => then?.(), end() {}, close() {} }, left: new Map() };
  }
  const left = readLeft(file);
  const live = new Map([...left].map(([key, entry]) => [key, lineOf(key, entry)]));
  let lines: string[] = [];
  let waiting: (() => void)[] = [];
  let urgent = false;
  let closed = false;
  let lazy: NodeJS.Timeout | undefined;
  let size = 0;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  let descriptor = writeWhole(file, live.values());

  function flush(): void {
    if (closed) return;
    urgent = false;
    clearTimeout(lazy);
    lazy = undefined;
    const text = lines.join('');
    const then = waiting;
    lines = [];
    waiting = [];
    try {
      fs.writeSync(descriptor, text);
      size += text.length;
      if (size > compactAtBytes) {
        const whole = writeWhole(file as string, live.values());
        fs.closeSync(descriptor);
        descriptor = whole;
        size = 0;
      }
    } catch (error) {
      // Calls go on; only a crash before the disk is well again would leave them to their own time-outs.
      log.error({ err: error }, 'the journal could not be written');
    }
    for (const one of then) one();
  }

  function flushSoon(): void {
    if (urgent) return;
    urgent = true;
    setImmediate(flush);
  }

  const journal: Journal = {
    open(key, entry, then) {
      const line = lineOf(key, entry);
      live.set(key, line);
      lines.push(line);
      if (then) waiting.push(then);
      flushSoon();
    },
    end(key) {
      if (!live.delete(key)) return;
      lines.push(`${JSON.stringify({ end: key })}\n`);
      lazy ??= setTimeout(flush, lazyMs);
    },
    close() {
      flush();
      closed = true;
      fs.closeSync(descriptor);
    },
  };
  return { journal, left };
}

function lineOf(key: string, entry: JournalEntry): string {
  return `${JSON.stringify({ key, ...entry })}\n`;
}

/** Puts a new file in the place of the old one, which stands until then. */
function writeWhole(file: string, lines: Iterable<string>): number {
  fs.writeFileSync(`${file}.new`, [...lines].join(''), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
  return fs.openSync(file, 'a');
}

function readLeft(file: string): Map<string, JournalEntry> {
  const open = new Map<string, JournalEntry>();
  if (!fs.existsSync(file)) return open;
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const noted = parseLine(line);
    if (noted === null) continue;
    if ('end' in noted) open.delete(noted.end);
    else open.set(noted.key, noted.entry);
  }
  return open;
}

/** Null for what is no line of a journal, such as the last one when it was cut off in the writing. */
function parseLine(line: string): { end: string } | { key: string; entry: JournalEntry } | null {
  let noted: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line === '' ? 'null' : line);
    if (typeof parsed !== 'object' || parsed === null) return null;
    noted = parsed as Record<string, unknown>;
  } catch {
    return null;
  }
  const { end, key, kind, text, bye, transport, host, port } = noted;
  if (typeof end === 'string') return { end };
  if (typeof key !== 'string' || (transport !== 'udp' && transport !== 'tcp')) return null;
  if (kind === 'dialog' && typeof bye === 'string') return { key, entry: { kind, bye, transport } };
  if (kind !== 'invite' || typeof text !== 'string') return null;
  if (typeof host !== 'string' || typeof port !== 'number') return null;
  return { key, entry: { kind, text, transport, host, port } };
}
