import { createLog, type Log } from '@dialstream/shared/log.js';

/** Counts what one process asks of Postgres, by the log of Postgres itself. */
export interface QueryCounter {
  /** Settings under which Postgres logs each statement with the name of who sent it. */
  settings: Record<string, string>;
  /** What Postgres writes is to go here. */
  log: Log;
  /** Statements since the last call, by their first words. */
  take(): Record<string, number>;
}

/** `name` is the process's name in its connections (`application_name`). */
export function countQueries(name: string): QueryCounter {
  const statement = new RegExp(`^${name} LOG: +(?:statement|execute [^:]+): *(.{0,60})`);
  let counts: Record<string, number> = {};
  const log = createLog('bench', 'warn');
  const counting = Object.create(log) as Log;
  counting.debug = (_fields: unknown, line?: unknown) => {
    const words = statement.exec(String(line))?.[1];
    if (words !== undefined) counts[words] = (counts[words] ?? 0) + 1;
  };
  return {
    settings: { log_statement: 'all', log_line_prefix: '%a ' },
    log: counting,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
  };
}
