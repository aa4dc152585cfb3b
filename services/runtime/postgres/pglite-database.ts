// Postgres inside this process (PGlite): embedded mode and tests. One connection, so transactions run one after
// another; the caller holds the lock that keeps other processes out of the folder.

import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import type { Statement } from '../database.js';
import type { ListeningDatabase } from './listening-database.js';
import { parseBytes, parseWholeNumber, typeIds } from './value-parsers.js';

type Queryable = Pick<PGlite, 'query' | 'exec'>;

/** Opens a database in a folder (made when it is missing), or in memory when none is given. */
export async function openPgliteDatabase(dataDir?: string): Promise<ListeningDatabase> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const parsers = { [typeIds.bigint]: parseWholeNumber, [typeIds.bytea]: parseBytes };
  const pglite = await PGlite.create({ ...(dataDir === undefined ? {} : { dataDir }), parsers });
  return {
    query: (sql, values) => query(pglite, sql, values),
    transaction: (work) => pglite.transaction((tx) => work({ query: (sql, values) => query(tx, sql, values) })) as ReturnType<typeof work>,
    runAll: (statements) => pglite.transaction(async (tx) => {
      for (const statement of statements) await runOne(tx, statement);
    }),
    script: async (sql) => {
      await pglite.exec(sql);
    },
    listen: async (channel, onPayload) => pglite.listen(channel, onPayload),
    close: () => pglite.close(),
  };
}

/** Without values the text may hold several statements; the rows of the last one are answered, as `pg` does. */
async function query<Row extends Record<string, unknown>>(on: Queryable, sql: string, values: readonly unknown[] | undefined): Promise<readonly Row[]> {
  if (values !== undefined) return (await on.query<Row>(sql, [...values])).rows;
  const results = await on.exec(sql);
  return (results.at(-1)?.rows ?? []) as unknown as readonly Row[];
}

/** What COPY reads from the client elsewhere, PGlite reads from a device of its own. */
async function runOne(on: Pick<PGlite, 'query'>, { sql, values = [], copy }: Statement): Promise<void> {
  if (copy === undefined) await on.query(sql, [...values]);
  else await on.query(sql.replace(' FROM STDIN ', " FROM '/dev/blob' "), [], { blob: new Blob([new Uint8Array(copy)]) });
}
