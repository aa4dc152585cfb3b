// The rows that the log gives when it is projected again, against the rows that a database holds. The only part of
// replay that opens a database, and only when asked to.

import { migrate } from '../infra/sql/migrate.js';
import { rebuild } from '../services/projector/rebuild.js';
import { tableHash, type TableHash } from '../services/projector/table-hash.js';
import { readWatermarks } from '../services/projector/watermarks.js';
import { learnSchemas } from '../services/runtime/codec/learn-schemas.js';
import type { Database } from '../services/runtime/database.js';
import { BlackboardError } from '../services/runtime/errors.js';
import type { LogPort } from '../services/runtime/log/port.js';
import { openPgliteDatabase } from '../services/runtime/postgres/pglite-database.js';
import type { RecordedBlackboard } from './readable-log.js';

export interface RowComparison {
  readonly equal: boolean;
  readonly rows: number;
  /** Names of tables whose rows differ. */
  readonly differing: readonly string[];
  readonly database: TableHash;
  readonly projected: TableHash;
}

/**
 * Projects what the database has projected (up to its watermarks) into an empty database of this process, and
 * compares hashes of all rows, or of one job's. Both are of one instant: a projector may be at work.
 */
export async function compareRows(source: RecordedBlackboard, db: Database, only: { readonly job?: string } = {}): Promise<RowComparison> {
  let watermarks: Watermarks = new Map();
  const database = await tableHash(db, { ...only, alongside: async (tx) => { watermarks = await readWatermarks(tx, source.topics.verified); } });
  const own = await openPgliteDatabase();
  try {
    await migrate(own);
    await rebuild({ log: upTo(source, watermarks), codec: source.codec, db: own, topic: source.topics.verified });
    const projected = await tableHash(own, only);
    const differing = Object.keys(database.tables).filter((table) => database.tables[table]?.hash !== projected.tables[table]?.hash);
    return { equal: differing.length === 0, rows: Object.values(database.tables).reduce((sum, table) => sum + table.rows, 0), differing, database, projected };
  } finally {
    await own.close();
  }
}

type Watermarks = Awaited<ReturnType<typeof readWatermarks>>;

/** The log as far as a database has projected it. */
function upTo({ log, codec, learn }: RecordedBlackboard, watermarks: Watermarks): LogPort {
  const readOnly = (): never => {
    throw new BlackboardError('APPEND_REFUSED', 'replay reads the log and nothing else');
  };
  return {
    read: async function* (options) {
      for await (const records of log.read(options)) {
        await learnSchemas(records.map(({ value }) => value), codec, learn);
        yield records;
      }
    },
    ranges: async (topic) => (await log.ranges(topic)).map((range) => ({ ...range, next: watermarks.get(range.partition)?.offset ?? range.low })),
    append: readOnly, join: readOnly, close: () => Promise.resolve(),
  };
}
