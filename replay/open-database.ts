// The database that replay compares rows with. An embedded one is held by the process that has its folder: it can be
// opened only while that does not run.

import { join } from 'node:path';
import type { Database } from '../services/runtime/database.js';
import { lockDirectory } from '../services/runtime/log/embedded/directory-lock.js';
import { maintenanceTimeoutMs, openPgDatabase } from '../services/runtime/postgres/pg-database.js';
import { openPgliteDatabase } from '../services/runtime/postgres/pglite-database.js';

/** @throws BlackboardError LOG_LOCKED while "up" runs on that folder. */
export async function openDatabase(at: { readonly databaseUrl: string } | { readonly dataDir: string }): Promise<Database> {
  if ('databaseUrl' in at) return openPgDatabase({ connectionString: at.databaseUrl, statementTimeoutMs: maintenanceTimeoutMs });
  const lock = await lockDirectory(join(at.dataDir, 'log'));
  try {
    const db = await openPgliteDatabase(join(at.dataDir, 'postgres'));
    return { ...db, close: () => db.close().finally(() => lock.release()) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
