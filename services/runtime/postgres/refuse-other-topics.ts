import type { Database } from '../database.js';
import { BlackboardError } from '../errors.js';

/**
 * Rows of jobs do not say of which topic they are: a job of another blackboard, or of an earlier one, may have the same
 * id and submission offset, and its outcome would be given out for this one's.
 * @throws BlackboardError CONFLICT where the tables hold another topic's rows.
 */
export async function refuseOtherTopics(db: Pick<Database, 'query'>, topic: string): Promise<void> {
  const [other] = await db.query<{ topic: string }>('SELECT topic FROM watermarks WHERE topic <> $1 LIMIT 1', [topic]);
  if (other === undefined) return;
  throw new BlackboardError('CONFLICT', `the database holds the rows of ${other.topic}, and is to get those of ${topic}: their jobs would be taken for each other. Nothing was written. `
    + 'Give each blackboard, and each new topic prefix, a database (or schema) of its own.', { topic, other: other.topic });
}
