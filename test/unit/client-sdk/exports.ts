import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

/** A name that a door of the SDK gives, and the docstring of its declaration. */
export interface Exported {
  name: string;
  doc: string;
}

const { resolve } = createRequire(import.meta.url);
const built = path.join(path.dirname(resolve('@dialstream/client-sdk/package.json')), 'dist/client-sdk');

/** All names of a door, such as `index`, read from its declarations. */
export async function exportsOf(door: string): Promise<Exported[]> {
  const file = path.join(built, `${door}.d.ts`);
  const text = await fs.readFile(file, 'utf8');
  const beside = (source: string) =>
    path.relative(built, path.join(path.dirname(file), source.replace(/\.js$/, '')));
  const found: Exported[] = declarationsIn(text);
  for (const [, source = ''] of text.matchAll(/^export (?:type )?\* from '([^']+)';$/gm)) {
    found.push(...(await exportsOf(beside(source))));
  }
  for (const [, names = '', source = ''] of text.matchAll(
    /^export (?:type )?\{([^}]+)\} from '([^']+)';$/gm,
  )) {
    const there = await exportsOf(beside(source));
    for (const [, name = ''] of names.matchAll(/(\w+)(?:,|\s*$)/g)) {
      const exported = there.find((one) => one.name === name);
      if (exported === undefined) throw new Error(`${source} has no ${name}`);
      found.push(exported);
    }
  }
  return found;
}

function declarationsIn(text: string): Exported[] {
  const declaration =
    /(\/\*\*(?:(?!\*\/).)*\*\/\n)?^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/gms;
  return [...text.matchAll(declaration)].map(([, doc = '', name = '']) => ({ name, doc: plain(doc) }));
}

function plain(doc: string): string {
  return doc
    .replace(/^\s*\/\*\*|\*\/\s*$|^\s*\*/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
