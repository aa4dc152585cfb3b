// One hash for all that the projection holds: a rebuild, another database version or another batch size must give
// the same. Rows are compared as the JSON text that Postgres makes of them, in the order of their keys.

import { createHash, type Hash } from 'node:crypto';
import type { Database } from '../runtime/database.js';

/** The projection's tables with the order of their rows; `job` can narrow those that have it. */
const tables = [
  { name: 'audit_rows', order: 'topic, partition, "offset"', hasJob: true },
  { name: 'jobs', order: 'job, instance', hasJob: true },
  { name: 'artifacts', order: 'job, instance, step, attempt, hash', hasJob: true },
  { name: 'watermarks', order: 'topic, partition', hasJob: false },
] as const;

/**
 * A row of a table `t` as text. What `detail` got later and the record says nothing of (it has its schema's default) is
 * left out: rows that an older release wrote lack it for good, since no audit row may be changed.
 */
const rowText = (table: string): string => (table === 'audit_rows'
  ? `CASE WHEN event_type = 'Checkpointed' AND coalesce(detail -> 'writtenAtMs', '0') = '0' THEN (to_jsonb(t) #- '{detail,writtenAtMs}')::text ELSE row_to_json(t)::text END`
  : 'row_to_json(t)::text');

export interface TableHash {
  /** SHA-256 over all tables, 64 hex digits. */
  readonly hash: string;
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly hash: string }>>;
}

const rowsPerFetch = 2_000;

export interface HashOptions {
  readonly job?: string;
  /** Asks more of the same instant: a projector may be at work. */
  readonly alongside?: (tx: Pick<Database, 'query'>) => Promise<void>;
}

/** Hashes the whole projection, or the rows of one job (then without watermarks). Excludes nothing: no column is a wall clock. */
export async function tableHash(db: Database, only: HashOptions = {}): Promise<TableHash> {
  return db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await tx.query("SET LOCAL TIME ZONE 'UTC'");
    await only.alongside?.(tx);
    // Text is compared by its bytes: the order must not depend on the database's language.
    const all = createHash('sha256');
    const answer: Record<string, { rows: number; hash: string }> = {};
    for (const table of tables) {
      if (only.job !== undefined && !table.hasJob) continue;
      const hash = createHash('sha256');
      const order = table.order.split(', ').map((column) => (/^(partition|"offset"|instance|attempt)$/.test(column) ? column : `${column} COLLATE "C"`)).join(', ');
      const where = only.job === undefined ? '' : `WHERE job = '${jobText(only.job)}'`;
      await tx.query(`DECLARE projection NO SCROLL CURSOR FOR SELECT ${rowText(table.name)} AS text FROM ${table.name} t ${where} ORDER BY ${order}`);
      const rows = await hashRows(tx, hash);
      await tx.query('CLOSE projection');
      answer[table.name] = { rows, hash: hash.digest('hex') };
      all.update(`${table.name} ${rows} ${answer[table.name]?.hash}\n`);
    }
    return { hash: all.digest('hex'), tables: answer };
  });
}

async function hashRows(tx: Pick<Database, 'query'>, hash: Hash): Promise<number> {
  for (let count = 0; ;) {
    const rows = await tx.query<{ text: string }>(`FETCH ${rowsPerFetch} FROM projection`);
    for (const row of rows) hash.update(row.text).update('\n');
    count += rows.length;
    if (rows.length < rowsPerFetch) return count;
  }
}

function jobText(job: string): string {
  if (!/^[0-9a-f]{32}$/.test(job)) throw new Error(`"${job}" is no job id (32 hex digits)`);
  return job;
}
