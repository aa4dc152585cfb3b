// Postgres inside this process (PGlite): embedded mode and tests. One connection, so transactions run one after
// another; the caller holds the lock that keeps other processes out of the folder.

import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import type { ListeningDatabase } from './listening-database.js';
import { PglitePipeline } from './pglite-pipeline.js';
import { parseBytes, parseWholeNumber, typeIds } from './value-parsers.js';

type Queryable = Pick<PGlite, 'query' | 'exec'>;

/** Opens a database in a folder (made when it is missing), or in memory when none is given. */
export async function openPgliteDatabase(dataDir?: string): Promise<ListeningDatabase> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const parsers = { [typeIds.bigint]: parseWholeNumber, [typeIds.bytea]: parseBytes };
  const pglite = await PGlite.create({ ...(dataDir === undefined ? {} : { dataDir }), parsers });
  const pipeline = new PglitePipeline();
  return {
    query: (sql, values) => query(pglite, sql, values),
    transaction: (work) => pglite.transaction((tx) => work({ query: (sql, values) => query(tx, sql, values) })) as ReturnType<typeof work>,
    runAll: (statements) => pglite._runExclusiveTransaction(async () => {
      try {
        await pglite.execProtocol(pipeline.messages(statements), { syncToFs: false });
      } catch (error) {
        pipeline.forget();
        throw error;
      }
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
