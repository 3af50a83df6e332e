import { Pool as PgPool, types, type PoolClient } from 'pg';
import type { Log } from '../log.js';

export type Pool = PgPool;
/** A connection inside a transaction. */
export type Tx = PoolClient;
/** Where a query may run: in a transaction or, on its own, in the pool. */
export type Db = PgPool | PoolClient;

// bigint and numeric come as text by default; ours stay far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export interface PoolOptions {
  databaseUrl: string;
  log: Log;
  /** Connections at most. */
  max?: number;
  /** Shown in pg_stat_activity. */
  name: string;
  /** Milliseconds after which a statement is ended. */
  statementTimeoutMs?: number;
}

/** A pool whose every wait has an end: connecting 5 s, a statement and an idle transaction 30 s each. */
export function createPool(options: PoolOptions): Pool {
  const { databaseUrl, log, max = 10, name, statementTimeoutMs = 30_000 } = options;
  const pool = new PgPool({
    connectionString: databaseUrl,
    max,
    application_name: name,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 5_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    // Queries given without waiting for each other travel together; Postgres works on them in their order.
    pipeline: true,
  });
  // An idle connection that breaks is replaced by the pool; the next query tells if Postgres is gone.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle Postgres connection broke'));
  return pool;
}

/**
 * Runs `work` in a transaction: commits its result, or rolls back and throws what it threw. `last` is what is to be
 * written at the end: it travels together with the commit.
 */
export async function transaction<T>(
  pool: Pool,
  work: (tx: Tx) => Promise<T>,
  last: (tx: Tx) => Promise<unknown> = async () => {},
): Promise<T> {
  const tx = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks between two queries says so only here; the query after it throws.
  const onError = (error: Error): void => {
    broken = error;
  };
  tx.on('error', onError);
  try {
    const begun = tx.query('begin');
    const [result] = await bothSettled(work(tx), begun);
    const written = last(tx);
    const [{ command }] = await bothSettled(tx.query('commit'), written);
    // Postgres answers the commit of a failed transaction with a rollback, and no error.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return result;
  } catch (error) {
    await tx.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    tx.off('error', onError);
    tx.release(broken);
  }
}

/**
 * Both results, or what the first one of them that failed threw, once both are over: while one of them may still
 * send queries, the connection must not go back to the pool and into somebody else's transaction.
 */
export async function bothSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

/** Whether an error says that Postgres could not be reached or went away, so that trying again may help. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // 57P01–57P03: shutting down or starting up. 08…: connection exceptions. 40001, 40P01: run it again.
  return (
    /^(?:57P0[1-3]|08...|53300|40001|40P01|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT)$/.test(code) ||
    /connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout/i.test(
      error.message,
    )
  );
}
