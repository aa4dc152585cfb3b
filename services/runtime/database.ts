/** One statement of several that run as one. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly (string | number | Buffer | null)[];
  /** Of a `COPY … FROM STDIN`: what it reads. */
  readonly copy?: Buffer;
}

/** The little of Postgres that services use, so that `pg` and PGlite are interchangeable. */
export interface Database {
  query<Row extends Record<string, unknown> = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs `work` in one transaction on one connection; rolls back when it throws. */
  transaction<T>(work: (tx: Pick<Database, 'query'>) => Promise<T>): Promise<T>;
  /**
   * Runs statements in one transaction, without their answers: in one round trip where the driver can. They stay
   * prepared, so their texts must be few. When it throws, nothing was kept, or the connection broke while committing.
   */
  runAll(statements: readonly Statement[]): Promise<void>;
  /** Runs a script of several statements (migrations). */
  script(sql: string): Promise<void>;
  close(): Promise<void>;
}
