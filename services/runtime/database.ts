/** The little of Postgres that services use, so that `pg` and PGlite are interchangeable. */
export interface Database {
  query<Row extends Record<string, unknown> = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs `work` in one transaction on one connection; rolls back when it throws. */
  transaction<T>(work: (tx: Pick<Database, 'query'>) => Promise<T>): Promise<T>;
  /** Runs a script of several statements (migrations). */
  script(sql: string): Promise<void>;
  close(): Promise<void>;
}
