// The projector's positions: rows that move by compare-and-set in the transaction of what they cover. Whoever finds
// another offset than it started from has written nothing.

import type { Database, Statement } from '../runtime/database.js';
import type { Position } from '../runtime/log/position.js';

export interface Advance {
  readonly partition: number;
  /** First offset of the batch: the stored `next_offset` must be this one. */
  readonly from: number;
  /** The partition had no row when it was gained. */
  readonly isFirst: boolean;
  readonly to: Position;
  readonly lastAppendTimeMs: number;
}

/** Channel of the wake-ups that a commit sends; the payload is `partition:last offset`. */
export const committedChannel = 'blackboard_committed';

/** Channel of the jobs that a commit has ended; the payload is job ids with a space between. */
export const endedChannel = 'blackboard_ended';

// A payload must be shorter than 8,000 bytes.
const idsOfPayload = 200;

type Stored = { partition: number; next_offset: number; epoch: number; digest: string };

/** Stored positions of a topic's partitions; absent where nothing was ever projected. */
export async function readWatermarks(db: Pick<Database, 'query'>, topic: string, partitions?: readonly number[]): Promise<ReadonlyMap<number, Position>> {
  const rows = await db.query<Stored>('SELECT partition, next_offset, epoch, digest FROM watermarks WHERE topic = $1 AND ($2::integer[] IS NULL OR partition = ANY ($2::integer[]))', [topic, partitions === undefined ? null : `{${partitions.join(',')}}`]);
  return new Map(rows.map((row) => [row.partition, { offset: row.next_offset, epoch: row.epoch, digest: row.digest }]));
}

const beginSql = `
INSERT INTO watermarks (topic, partition, next_offset, epoch, digest)
SELECT $1, partition, start, -1, '' FROM unnest($2::integer[], $3::bigint[]) AS wanted (partition, start)
ON CONFLICT DO NOTHING`;

const moveSql = `
WITH wanted AS (
  SELECT * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[])
    AS wanted (partition, start, next_offset, epoch, digest, last_append_at)
), moved AS (
  UPDATE watermarks w SET next_offset = wanted.next_offset, epoch = wanted.epoch, digest = wanted.digest, last_append_at = wanted.last_append_at
  FROM wanted WHERE w.topic = $1 AND w.partition = wanted.partition AND w.next_offset = wanted.start
  RETURNING w.partition, w.next_offset
)
SELECT CASE WHEN (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted) THEN true ELSE refuse_moved_watermarks() END,
  (SELECT count(pg_notify('${committedChannel}', partition::text || ':' || (next_offset - 1)::text)) FROM moved),
  (SELECT count(pg_notify('${endedChannel}', jobs)) FROM unnest($8::text[]) AS ended (jobs))`;

/** Whether a transaction failed because a watermark stands elsewhere. */
export function isMoved(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'BB001';
}

/** Moves all of the watermarks or fails (`isMoved`), and rings for both channels. `ended`: ids of jobs. */
export function moveWatermarks(topic: string, advances: readonly Advance[], ended: readonly string[]): readonly Statement[] {
  const list = (of: (advance: Advance) => number | string, some = advances): string => `{${some.map(of).join(',')}}`;
  const move = { sql: moveSql, values: [
    topic, list((advance) => advance.partition), list((advance) => advance.from), list((advance) => advance.to.offset), list((advance) => advance.to.epoch),
    list((advance) => `"${advance.to.digest}"`), list((advance) => `"${new Date(advance.lastAppendTimeMs).toISOString()}"`),
    `{${payloads(ended).map((payload) => `"${payload}"`).join(',')}}`,
  ] };
  // Rows of partitions that never had one are made and moved in this same transaction.
  const first = advances.filter((advance) => advance.isFirst);
  if (first.length === 0) return [move];
  return [{ sql: beginSql, values: [topic, list((advance) => advance.partition, first), list((advance) => advance.from, first)] }, move];
}

/** Ids are 32 hex digits wherever a gate accepted the job; of anything else nobody can be waiting for the end. */
function payloads(ended: readonly string[]): readonly string[] {
  const ids = ended.filter((id) => /^[0-9a-f]{32}$/.test(id));
  return Array.from({ length: Math.ceil(ids.length / idsOfPayload) }, (_, index) => ids.slice(index * idsOfPayload, (index + 1) * idsOfPayload).join(' '));
}
