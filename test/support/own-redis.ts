import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@dialstream/shared/embedded/ports.js';
import { signal } from '@dialstream/shared/embedded/process-table.js';
import { startRedis } from '@dialstream/shared/embedded/redis.js';
import { spawnService, type ExitStatus } from '@dialstream/shared/embedded/service-process.js';
import { within } from '@dialstream/shared/embedded/waiting.js';
import { createRedis, redisReady } from '@dialstream/shared/events/redis.js';
import type { Log } from '@dialstream/shared/log.js';

interface Server {
  url: string;
  port: number;
  pid: number;
  exited: Promise<ExitStatus>;
}

type Start = (dataDir: string, log: Log, port?: number) => Promise<Server>;

/** A Redis of a test's own, to be killed, emptied and set back. It keeps its address and, unless told, its data. */
export class OwnRedis {
  private constructor(
    private readonly dataDir: string,
    private readonly log: Log,
    private readonly launch: Start,
    private server: Server,
  ) {}

  /** As an installation has it: it writes every command to a file. */
  static async start(log: Log): Promise<OwnRedis> {
    return OwnRedis.#start(log, (dataDir, of, port) =>
      startRedis({ dataDir, log: of, ...(port !== undefined && { port }) }),
    );
  }

  /** One that comes back with what `SAVE` has written last. */
  static async startWithSnapshots(log: Log): Promise<OwnRedis> {
    return OwnRedis.#start(log, startWithSnapshots);
  }

  static async #start(log: Log, launch: Start): Promise<OwnRedis> {
    const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dialstream-redis-'));
    return new OwnRedis(dataDir, log, launch, await launch(dataDir, log));
  }

  get url(): string {
    return this.server.url;
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    signal(this.server.pid, 'SIGKILL');
    await within(10_000, 'Redis is gone', this.server.exited);
  }

  /** Lets it do nothing until `goOn`; what it is sent meanwhile it does then, asked for or not. */
  hang(): { goOn: () => void } {
    const { pid } = this.server;
    signal(pid, 'SIGSTOP');
    return { goOn: () => void signal(pid, 'SIGCONT') };
  }

  async startAgain(): Promise<void> {
    this.server = await this.launch(this.dataDir, this.log, this.server.port);
  }

  /** Takes away, while it is down, what it would come back with. */
  async loseFiles(): Promise<void> {
    await fs.rm(path.join(this.dataDir, 'redis', 'appendonlydir'), { recursive: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    await fs.rm(this.dataDir, { recursive: true, force: true });
  }
}

async function startWithSnapshots(dataDir: string, log: Log, wanted?: number): Promise<Server> {
  const port = wanted ?? (await freePort());
  const args = [
    '--bind',
    '127.0.0.1',
    '--port',
    `${port}`,
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    dataDir,
  ];
  const { pid, exited } = await spawnService({
    command: 'redis-server',
    args,
    cwd: dataDir,
    partingSignal: 'SIGKILL',
    onLine: (line) => log.debug({ service: 'redis' }, line),
  });
  const url = `redis://127.0.0.1:${port}/0`;
  const probe = createRedis(url, 'test-probe', log);
  await redisReady(probe).finally(() => probe.disconnect());
  return { url, port, pid, exited };
}
