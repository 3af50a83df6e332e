import fs from 'node:fs';
import type { Log } from '@dialstream/shared/log.js';

/**
 * What must be ended at the far end should this process die: one line of JSON when an INVITE leaves or a dialog
 * is made, and one when it is over. Lines are gathered in one turn of the event loop and written with one call;
 * what may leave only once it is noted waits for that. A killed process loses nothing that was written: it is
 * the kernel's by then.
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
  /** A dialog: a BYE in it, all but its Via. */
  | { kind: 'dialog'; bye: string };

const compactAtBytes = 8 * 1024 * 1024;

/** Without a file nothing is noted. */
export function openJournal(file: string | undefined, log: Log): { journal: Journal; left: JournalEntry[] } {
  if (file === undefined) {
    return { journal: { open: (_key, _entry, then) => then?.(), end() {}, close() {} }, left: [] };
  }
  const left = readLeft(file);
  const live = new Map<string, string>();
  let lines: string[] = [];
  let waiting: (() => void)[] = [];
  let scheduled = false;
  let size = 0;
  let descriptor = fs.openSync(file, 'w', 0o600);

  function flush(): void {
    scheduled = false;
    const text = lines.join('');
    const then = waiting;
    lines = [];
    waiting = [];
    try {
      fs.writeSync(descriptor, text);
      size += text.length;
      if (size > compactAtBytes) compact();
    } catch (error) {
      // Calls go on; only a crash before the disk is well again would leave them to their own time-outs.
      log.error({ err: error }, 'the journal could not be written');
    }
    for (const one of then) one();
  }

  function compact(): void {
    const whole = [...live.values()].join('');
    fs.writeFileSync(`${file}.new`, whole, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file as string);
    fs.closeSync(descriptor);
    descriptor = fs.openSync(file as string, 'a');
    size = 0;
  }

  function write(line: string): void {
    lines.push(line);
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  const journal: Journal = {
    open(key, entry, then) {
      const line = `${JSON.stringify({ key, ...entry })}\n`;
      live.set(key, line);
      if (then) waiting.push(then);
      write(line);
    },
    end(key) {
      if (live.delete(key)) write(`${JSON.stringify({ end: key })}\n`);
    },
    close() {
      flush();
      fs.closeSync(descriptor);
    },
  };
  return { journal, left };
}

function readLeft(file: string): JournalEntry[] {
  if (!fs.existsSync(file)) return [];
  const open = new Map<string, JournalEntry>();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const noted = parseLine(line);
    if (noted?.end !== undefined) open.delete(noted.end);
    else if (noted?.key !== undefined) open.set(noted.key, noted);
  }
  return [...open.values()];
}

/** Null for the last line, when it was cut off in the writing. */
function parseLine(line: string): (JournalEntry & { key?: string; end?: string }) | null {
  try {
    return line === '' ? null : (JSON.parse(line) as JournalEntry);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
