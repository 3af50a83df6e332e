import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { childEnvironment } from '@dialstream/shared/config.js';
import { describeExit, type ExitStatus } from '@dialstream/shared/embedded/service-process.js';
import { until, within } from '@dialstream/shared/embedded/waiting.js';

export interface KillableOptions {
  name: string;
  /** The built file to run. */
  script: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** Whether it works; looked at until it does. Left out: it does as soon as it runs. */
  isReady?: () => Promise<boolean>;
  onMessage?: (message: unknown) => void;
}

/** A process of a test's own, to be killed and started again. It ends when the test's process does. */
export class Killable {
  #child: ChildProcess | null = null;
  #exited: Promise<ExitStatus> | null = null;
  /** How it has ended when nobody had asked it to. */
  #endedUnasked: string | null = null;

  constructor(private readonly options: KillableOptions) {}

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const { name, script, args = [], env = {}, isReady = async () => true } = this.options;
    const child = spawn(process.execPath, ['--enable-source-maps', script, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: childEnvironment(env),
    });
    this.#child = child;
    if (this.options.onMessage) child.on('message', this.options.onMessage);
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        if (this.#child === child)
          this.#endedUnasked = `${name} ended with ${describeExit({ code, signal })}`;
        resolve({ code, signal });
      });
    });
    await once(child, 'spawn');
    const look = async (): Promise<boolean> => {
      this.check();
      return isReady();
    };
    await until(look, { withinMs: 30_000, what: `${name} is ready` });
  }

  /** Throws when it has ended and nobody had asked it to. */
  check(): void {
    if (this.#endedUnasked !== null) throw new Error(this.#endedUnasked);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    await this.#end((child) => child.kill('SIGKILL'));
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Sends it word to stop; it must end with code 0. */
  async stop(send: (child: ChildProcess) => void = (child) => child.kill('SIGTERM')): Promise<void> {
    this.check();
    const status = await this.#end(send);
    if (status !== null && status.code !== 0) {
      throw new Error(`${this.options.name} was to stop and ended with ${describeExit(status)}`);
    }
  }

  async #end(send: (child: ChildProcess) => void): Promise<ExitStatus | null> {
    const [child, exited] = [this.#child, this.#exited];
    this.#child = null;
    if (child === null || exited === null) return null;
    send(child);
    try {
      return await within(20_000, `end of ${this.options.name}`, exited);
    } finally {
      child.kill('SIGKILL');
    }
  }
}
