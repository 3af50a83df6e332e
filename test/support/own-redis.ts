import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { signal } from '@dialstream/shared/embedded/process-table.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import type { EmbeddedService } from '@dialstream/shared/embedded/service-process.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import type { Log } from '@dialstream/shared/log.js';

/** A Redis of a test's own, to be killed, emptied and set back. It keeps its address and, unless told, its data. */
export class OwnRedis {
  private constructor(
    private readonly dataDir: string,
    private readonly log: Log,
    private server: EmbeddedService,
  ) {}

  static async start(log: Log): Promise<OwnRedis> {
    const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-redis-'));
    return new OwnRedis(dataDir, log, await startRedis({ dataDir, log }));
  }

  get url(): string {
    return this.server.url;
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    signal(this.server.pid, 'SIGKILL');
    await within(10_000, 'Redis is gone', this.server.exited);
  }

  async startAgain(): Promise<void> {
    const { dataDir, log } = this;
    this.server = await startRedis({ dataDir, port: this.server.port, log });
  }

  /** Takes away, while it is down, what it would come back with. */
  async loseFiles(): Promise<void> {
    await fs.rm(this.#files, { recursive: true });
  }

  /** Keeps its files as they are now; `setBack` puts them in the place of later ones while it is down. */
  async keepFiles(): Promise<void> {
    await fs.cp(this.#files, this.#keptFiles, { recursive: true });
  }

  async setBack(): Promise<void> {
    await this.loseFiles();
    await fs.rename(this.#keptFiles, this.#files);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await fs.rm(this.dataDir, { recursive: true, force: true });
  }

  get #files(): string {
    return path.join(this.dataDir, 'redis', 'appendonlydir');
  }

  get #keptFiles(): string {
    return path.join(this.dataDir, 'kept');
  }
}
