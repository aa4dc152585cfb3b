import type { Database } from '../../services/runtime/database.js';
import { BlackboardError } from '../../services/runtime/errors.js';
import { onceThere, type Patience } from '../../services/runtime/once-there.js';
import { isTransientDatabaseError } from '../../services/runtime/postgres/transient-error.js';
import { requireMigrated } from './migrate.js';

/**
 * Waits for Postgres, then checks that the database is at this version.
 * @throws BlackboardError DATABASE_UNAVAILABLE when it does not answer for long; DATABASE_DRIFT.
 */
export async function onceMigrated(db: Pick<Database, 'query'>, logger: Patience['logger']): Promise<void> {
  try {
    await onceThere('Postgres', { logger, isAway: isTransientDatabaseError }, () => requireMigrated(db));
  } catch (error) {
    if (!isTransientDatabaseError(error)) throw error;
    throw new BlackboardError('DATABASE_UNAVAILABLE', `Postgres does not answer (${(error as Error).message}); nothing was started. Check DATABASE_URL and that the server runs, then start again.`, {}, { cause: error });
  }
}
