import type { Log } from '../log.js';
import { keepRunning, type KeptRunning, type Part } from './kept-running.js';

export interface Supervisor {
  /** Starts a part and keeps it running. Throws when its first start fails, or when stopping has begun. */
  add(part: Part): Promise<void>;
  /** Ends all parts for good, the last added first, one after the other. */
  stop(): Promise<void>;
}

/** Keeps parts running that depend on the ones added before them. */
export function createSupervisor(log: Log): Supervisor {
  const parts: KeptRunning[] = [];
  let stopping: Promise<void> | undefined;

  const stopAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const part of parts.toReversed()) {
      try {
        await part.stop();
        log.info({ part: part.name }, 'stopped');
      } catch (error) {
        // The others are stopped all the same.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some parts could not be stopped');
  };

  return {
    add: async (part) => {
      if (stopping) throw new Error(`${part.name} is not started any more: stopping`);
      const kept = keepRunning(part, log);
      parts.push(kept);
      await kept.started;
    },
    stop: () => (stopping ??= stopAll()),
  };
}
