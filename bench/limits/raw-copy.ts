// COPY of the very rows that the projector wrote, into a table like theirs: what Postgres can take.

import type { Database } from '../../services/runtime/database.js';
import type { Figures } from '../w3/measure.js';

const server = "CREATE TABLE bench_copy (LIKE audit_rows INCLUDING ALL)";

/** @param db of a blackboard that has projected; the rows go through a file of the server, so it must be local. */
export async function rawCopy(db: Database, file: string): Promise<Figures> {
  await db.script(server);
  try {
    const [columns] = await db.query<{ names: string }>("SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS names FROM information_schema.columns WHERE table_name = 'audit_rows' AND is_generated = 'NEVER'");
    await db.script(`COPY (SELECT ${columns?.names} FROM audit_rows) TO '${file}' (FORMAT binary)`);
    const sinceMs = performance.now();
    await db.script(`COPY bench_copy (${columns?.names}) FROM '${file}' (FORMAT binary)`);
    const seconds = (performance.now() - sinceMs) / 1000;
    const [rows] = await db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM bench_copy');
    return { rows: rows?.rows ?? 0, copyRowsPerS: (rows?.rows ?? 0) / seconds };
  } finally {
    await db.script('DROP TABLE bench_copy');
  }
}
