import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { within } from '@dialstream/shared/embedded/waiting.js';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const { resolve } = createRequire(import.meta.url);

export const readme = path.join(path.dirname(resolve('@dialstream/client-sdk/package.json')), 'README.md');

/** What a browser has and Node has not. At its end it calls `pagehide` and prints what was kept. */
const browser = `
const kept = new Map(Object.entries(JSON.parse(process.env.KEPT ?? '{}')));
globalThis.sessionStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text) };
const hide = [];
globalThis.addEventListener = (name, listener) => void (name === 'pagehide' && hide.push(listener));
process.on('SIGTERM', () => {
  for (const listener of hide) listener();
  console.log('KEPT ' + JSON.stringify(Object.fromEntries(kept)));
  process.exit(0);
});
`;

/** The ts blocks of the README by the heading that they stand under. */
async function blocks(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let heading = '';
  for (const [, title, code] of (await fs.readFile(readme, 'utf8')).matchAll(
    /^#+ ([^\n]+)$|^`{3}ts\n(.*?)^`{3}$/gms,
  )) {
    if (title !== undefined) heading = title;
    if (code === undefined) continue;
    if (found.has(heading)) throw new Error(`two examples under "${heading}"`);
    found.set(heading, code);
  }
  return found;
}

/** The examples of the README, compiled where the workspace's packages are found. */
export class Examples {
  #made = 0;

  private constructor(
    private readonly folder: string,
    readonly headings: readonly string[],
    /** What the compiler says. */
    readonly faults: string,
  ) {}

  static async compile(): Promise<Examples> {
    const folder = await fs.mkdtemp(path.join(repository, 'test/dist/readme-'));
    const sources = await blocks();
    const files = [...sources.keys()].map((heading) => `${nameOf(heading)}.ts`);
    for (const [heading, code] of sources)
      await fs.writeFile(path.join(folder, `${nameOf(heading)}.ts`), code);
    await fs.writeFile(path.join(folder, 'browser.js'), browser);
    await fs.writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
    const compilerOptions = { strict: true, skipLibCheck: true, types: ['node'], outDir: '.', rootDir: '.' };
    const target = { target: 'es2023', lib: ['es2023', 'dom', 'dom.iterable'], module: 'nodenext' };
    const config = { compilerOptions: { ...compilerOptions, ...target }, files };
    await fs.writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = path.join(repository, 'node_modules/.bin/tsc');
    const said = await promisify(execFile)(tsc, ['-p', folder]).then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    return new Examples(folder, [...sources.keys()], said);
  }

  /** Where the compiled example is, made for a server and a key of it. */
  async module(heading: string, { url, key }: { url: string; key: string }): Promise<string> {
    const name = nameOf(heading);
    const code = await fs.readFile(path.join(this.folder, `${name}.js`), 'utf8');
    const file = path.join(this.folder, `${name}-${(this.#made += 1)}.js`);
    await fs.writeFile(file, code.replaceAll('https://dial.example.com', url).replaceAll('ds_…', key));
    return file;
  }

  /** Runs an example; `kept` is what the session storage has. */
  async run(heading: string, server: { url: string; key: string }, kept: object): Promise<RunningExample> {
    const file = await this.module(heading, server);
    return new RunningExample(file, path.join(this.folder, 'browser.js'), kept);
  }

  async remove(): Promise<void> {
    await fs.rm(this.folder, { recursive: true });
  }
}

export class RunningExample {
  #said = '';
  #look = (): void => undefined;
  readonly #child;
  /** The exit code. */
  readonly exited: Promise<number | null>;

  constructor(file: string, prelude: string, kept: object) {
    this.#child = spawn(process.execPath, ['--import', prelude, file], {
      env: { ...process.env, KEPT: JSON.stringify(kept) },
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output.on('data', (data: Buffer) => {
        this.#said += data.toString();
        this.#look();
      });
    }
    this.exited = new Promise((done) => this.#child.on('close', (code) => done(code)));
  }

  /** Waits until it has said this. */
  async says(text: string | RegExp): Promise<void> {
    const heard = new Promise<void>((done) => {
      this.#look = () => {
        if (typeof text === 'string' ? this.#said.includes(text) : text.test(this.#said)) done();
      };
      this.#look();
    });
    await within(20_000, `"${text}"`, heard).catch((error: unknown) => {
      throw new Error(`it said: ${this.#said}`, { cause: error });
    });
  }

  /** Ends it as a page ends. Gives what its session storage holds. */
  async leave(): Promise<Record<string, string>> {
    this.#child.kill('SIGTERM');
    await within(20_000, 'the end', this.exited);
    return JSON.parse(/^KEPT (.*)$/m.exec(this.#said)?.[1] ?? '{}') as Record<string, string>;
  }

  get said(): string {
    return this.#said;
  }
}

function nameOf(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}
