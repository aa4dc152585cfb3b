// Postgres over the network through `pg`. A connection that failed in a transaction is thrown away, never reused.

import pg from 'pg';
import type { Database, Statement } from '../database.js';
import { runPipeline } from './pg-pipeline.js';
import { listenPg } from './listen-pg.js';
import type { ListeningDatabase } from './listening-database.js';
import { parseBytes, parseWholeNumber, typeIds } from './value-parsers.js';

export interface PgDatabaseOptions {
  /** `postgres://…`; the secret part of the configuration. */
  readonly connectionString: string;
  /** Connections at most. Default 4. */
  readonly connectionsMax?: number;
  /** Group role to act under, e.g. `blackboard_reader`. Default: the login's own. */
  readonly role?: string;
  /** Default: the login's own search path. */
  readonly schema?: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Each statement is planned once per connection: only for those that leave the planner nothing to choose. Default: planned anew for each execution. */
  readonly plansOnce?: boolean;
  /** Bounds each statement, on the server and while waiting for its answer. Default 30,000. */
  readonly statementTimeoutMs?: number;
}

/** For a migration or a comparison, which may read or index all there is. */
export const maintenanceTimeoutMs = 6 * 3_600_000;

/** Opens a pool; nothing is connected before the first query. */
export function openPgDatabase(options: PgDatabaseOptions): ListeningDatabase {
  const config = clientConfig(options);
  const pool = new pg.Pool({ ...config, max: options.connectionsMax ?? 4, idleTimeoutMillis: 30_000 });
  // An idle connection that breaks is removed by the pool; the next query says what is wrong.
  pool.on('error', () => undefined);
  const listeners = new Set<() => Promise<void>>();
  let closing: Promise<void> | null = null;
  return {
    query: (sql, values) => query(pool, sql, values),
    transaction: (work) => inTransaction(pool, work),
    runAll: (statements) => atOnce(pool, statements),
    script: async (sql) => {
      await pool.query(sql);
    },
    listen: async (channel, onPayload) => {
      const stop = await listenPg(config, channel, onPayload);
      const stopOnce = async (): Promise<void> => {
        if (listeners.delete(stopOnce)) await stop();
      };
      listeners.add(stopOnce);
      return stopOnce;
    },
    close: () => (closing ??= Promise.all([...[...listeners].map((stop) => stop()), pool.end()]).then(() => undefined)),
  };
}

function clientConfig(options: PgDatabaseOptions): pg.ClientConfig {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const settings = [
    // A plan that was made once would be kept: on tables that were empty then, that of reading all rows.
    `-c plan_cache_mode=${options.plansOnce === true ? 'force_generic_plan' : 'force_custom_plan'}`,
    ...(options.role === undefined ? [] : [`-c role=${identifier(options.role)}`]),
    ...(options.schema === undefined ? [] : [`-c search_path=${identifier(options.schema)}`]),
  ];
  return {
    connectionString: options.connectionString,
    application_name: options.applicationName ?? 'blackboard',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 5_000,
    keepAlive: true,
    options: settings.join(' '),
    types: { getTypeParser: parserOf as pg.CustomTypesConfig['getTypeParser'] },
  };
}

function parserOf(id: number, format?: 'text' | 'binary'): unknown {
  if (id === typeIds.bigint) return parseWholeNumber;
  if (id === typeIds.bytea) return parseBytes;
  return pg.types.getTypeParser(id, format as 'text');
}

function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new Error(`"${name}" is no role or schema name (lower-case letters, digits, underscores, at most 63)`);
  return name;
}

// Texts that come again and again are few, and are parsed once per connection; a text made for one question is not kept.
const preparedMax = 64;
const preparedNames = new Map<string, string>();

function preparedName(sql: string): string | undefined {
  const known = preparedNames.get(sql);
  if (known !== undefined || preparedNames.size >= preparedMax) return known;
  const name = `query_${preparedNames.size}`;
  preparedNames.set(sql, name);
  return name;
}

async function query<Row extends Record<string, unknown>>(on: pg.Pool | pg.PoolClient, sql: string, values: readonly unknown[] | undefined): Promise<readonly Row[]> {
  if (values !== undefined) return (await on.query<Row>({ text: sql, values: [...values], name: preparedName(sql) as string })).rows;
  // Several statements in one text answer a list, one result per statement.
  const answer = await on.query(sql) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
  return (Array.isArray(answer) ? answer.at(-1)?.rows : answer.rows) ?? [];
}

async function inTransaction<T>(pool: pg.Pool, work: (tx: Pick<Database, 'query'>) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that is lost between two statements speaks up only here.
  const onError = (error: Error): void => void (broken = error);
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const answer = await work({ query: (sql, values) => query(client, sql, values) });
    await client.query('COMMIT');
    return answer;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => void (broken = cause as Error));
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function atOnce(pool: pg.Pool, statements: readonly Statement[]): Promise<void> {
  const client = await pool.connect();
  // What breaks a connection may also be said beside the answer.
  const onError = (): void => undefined;
  client.on('error', onError);
  try {
    await runPipeline(client, statements);
  } catch (error) {
    client.release(true);
    throw error;
  }
  client.off('error', onError);
  client.release();
}
