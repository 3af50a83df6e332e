import { setTimeout as delay } from 'node:timers/promises';
import { applyAttemptChanges, type AttemptChange } from '@dialstream/shared/db/attempt-changes.js';
import { isConnectionError } from '@dialstream/shared/db/pool.js';
import type { Outbox } from '@dialstream/shared/events/outbox.js';
import type { Log } from '@dialstream/shared/log.js';

export interface ChangeWriter {
  /**
   * Writes a change together with those of other attempts; changes of one attempt keep their order.
   * Resolves when it is committed: true, or false when the attempt is no longer this dialer's. While
   * Postgres is away it waits; it rejects only for a change that Postgres refuses.
   */
  write(change: AttemptChange): Promise<boolean>;
  /** Changes that wait or are being written. */
  readonly pending: number;
}

interface Waiting {
  change: AttemptChange;
  resolve: (owned: boolean) => void;
  reject: (error: unknown) => void;
}

/** One change that settles two writes. */
function merged(first: Waiting, second: Waiting): Waiting {
  return {
    change: second.change,
    resolve: (owned) => {
      first.resolve(owned);
      second.resolve(owned);
    },
    reject: (error) => {
      first.reject(error);
      second.reject(error);
    },
  };
}

/** Changes that share one transaction, at most. */
const batchLimit = 500;
const firstRetryMs = 50;
const lastRetryMs = 2_000;

/** Gathers changes while a transaction is under way and writes them all in the next one. */
export function createChangeWriter({
  outbox,
  dialerId,
  log,
}: {
  outbox: Outbox;
  dialerId: string;
  log: Log;
}): ChangeWriter {
  let waiting: Waiting[] = [];
  let writing = 0;
  let running = false;

  /** The first change of each attempt; a later one of the same attempt needs what the first one writes. */
  function takeBatch(): Waiting[] {
    const batch = new Map<string, Waiting>();
    const rest: Waiting[] = [];
    for (const one of waiting) {
      const { attemptId } = one.change;
      const before = batch.get(attemptId);
      if (before?.change.kind === 'sent' && one.change.kind !== 'sent') {
        // It carries all that the first one would write.
        batch.set(attemptId, merged(before, one));
      } else if (before !== undefined || batch.size === batchLimit) rest.push(one);
      else batch.set(attemptId, one);
    }
    waiting = rest;
    return [...batch.values()];
  }

  async function commit(batch: Waiting[]): Promise<void> {
    const changes = batch.map((one) => one.change);
    const scopes = changes.map((change) => change.campaignId);
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
      try {
        const owned = await outbox.change(scopes, (tx, emit) =>
          applyAttemptChanges(tx, emit, dialerId, changes),
        );
        for (const { change, resolve } of batch) resolve(owned.has(change.attemptId));
        return;
      } catch (error) {
        // Applied twice is harmless: the machines refuse what is already so.
        if (!isConnectionError(error)) throw error;
        log.warn({ err: error, changes: batch.length }, 'changes wait for Postgres');
        await delay(retryMs * (0.5 + Math.random() / 2));
      }
    }
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = takeBatch();
      writing = batch.length;
      try {
        await commit(batch);
      } catch (error) {
        await commitOneByOne(batch, error);
      }
      writing = 0;
    }
    running = false;
  }

  /** One change that Postgres refuses must not take the others with it. */
  async function commitOneByOne(batch: Waiting[], error: unknown): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      log.error({ err: error, attemptId: only.change.attemptId }, 'a change of an attempt was refused');
      only.reject(error);
      return;
    }
    for (const one of batch) await commit([one]).catch((refusal: unknown) => commitOneByOne([one], refusal));
  }

  return {
    write(change) {
      return new Promise<boolean>((resolve, reject) => {
        waiting.push({ change, resolve, reject });
        // What arrives in one turn of the event loop goes into one transaction.
        if (!running) {
          running = true;
          setImmediate(() => void run());
        }
      });
    },
    get pending() {
      return waiting.length + writing;
    },
  };
}
