import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runUntilSignal } from '@dialstream/shared/lifecycle.js';
import { createLog } from '@dialstream/shared/log.js';

/** One of our processes in small: notes its start and its end in the file given, or is deaf to SIGTERM. */
const {
  IDLE_NAME: name = '',
  IDLE_NOTES: notes = '',
  IDLE_DEAF: deaf,
  IDLE_DRAIN_MS: drainMs = '0',
} = process.env;
const note = (what: string): void => fs.appendFileSync(notes, `${name} ${what} ${process.pid}\n`);

if (deaf) {
  process.on('SIGTERM', () => note('ignored'));
  process.on('disconnect', () => note('ignored'));
  note('started');
  setInterval(() => undefined, 1_000);
} else {
  await runUntilSignal(createLog(name, 'silent'), 5, async (defer) => {
    defer(async () => {
      await sleep(Number(drainMs));
      note('stopped');
    });
    note('started');
    setInterval(() => undefined, 1_000);
  });
}
