import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { makeSecret } from '../config.js';

/**
 * The secret called `name`, made at the first call and kept in `dataDir`, readable by its owner only. Of
 * several processes that ask at once all get the same.
 */
export async function keptSecret(dataDir: string, name: string, prefix: string): Promise<string> {
  const file = path.join(dataDir, name);
  await fs.mkdir(dataDir, { recursive: true });
  const kept = await readSecret(file);
  if (kept !== undefined) return kept;
  // Written aside and linked: whoever is first wins, and nobody ever reads half a secret.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await fs.writeFile(draft, `${makeSecret(prefix)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await fs.link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await fs.unlink(draft);
  }
  const made = await readSecret(file);
  if (made === undefined) throw new Error(`${file} is empty or has gone`);
  return made;
}

async function readSecret(file: string): Promise<string | undefined> {
  try {
    const text = await fs.readFile(file, 'utf8');
    return text.trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
