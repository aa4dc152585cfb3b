// The rows that the log gives when it is projected again, against the rows that a database holds. The only part of
// replay that opens a database, and only when asked to.

import { migrate } from '../infra/sql/migrate.js';
import { rebuild } from '../services/projector/rebuild.js';
import { tableHash, type TableHash } from '../services/projector/table-hash.js';
import { readWatermarks } from '../services/projector/watermarks.js';
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

const triesMax = 20;

/**
 * Projects what the database has projected (up to its watermarks) into an empty database of this process, and
 * compares hashes of all rows, or of one job's.
 * @throws BlackboardError DATABASE_UNAVAILABLE when the rows never stand still long enough to be hashed.
 */
export async function compareRows(source: RecordedBlackboard, db: Database, only: { readonly job?: string } = {}): Promise<RowComparison> {
  const { watermarks, hash: database } = await hashAtWatermarks(source, db, only);
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

/** A hash, and watermarks that stood before and after it: a projector may be at work. */
async function hashAtWatermarks({ topics }: RecordedBlackboard, db: Database, only: { readonly job?: string }): Promise<{ readonly watermarks: ReadonlyMap<number, number>; readonly hash: TableHash }> {
  const read = async (): Promise<ReadonlyMap<number, number>> => new Map([...await readWatermarks(db, topics.verified)].map(([partition, { offset }]) => [partition, offset]));
  for (let tries = 0; tries < triesMax; tries += 1) {
    const watermarks = await read();
    const hash = await tableHash(db, only);
    const after = await read();
    if (watermarks.size === after.size && [...watermarks].every(([partition, offset]) => after.get(partition) === offset)) return { watermarks, hash };
  }
  throw new BlackboardError('DATABASE_UNAVAILABLE', `the rows moved on in each of ${triesMax} attempts to hash them; compare again when fewer jobs run`);
}

/** The log as far as a database has projected it. */
function upTo({ log }: RecordedBlackboard, watermarks: ReadonlyMap<number, number>): LogPort {
  const readOnly = (): never => {
    throw new BlackboardError('APPEND_REFUSED', 'replay reads the log and nothing else');
  };
  return {
    read: (options) => log.read(options),
    ranges: async (topic) => (await log.ranges(topic)).map((range) => ({ ...range, next: watermarks.get(range.partition) ?? range.low })),
    append: readOnly, join: readOnly, close: () => Promise.resolve(),
  };
}
