// A batch of row changes in one transaction of a few statements: the watermarks first, by compare-and-set, then the
// rows. Either all of it is there or nothing; a second projector of the same partition can neither double nor go back.

import type { Database } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import { artifactColumns, auditColumns, columnArrays, copyInto, copyRows, insertFromArrays, jobColumns } from './columns.js';
import { mergeArtifactChanges, mergeJobChanges } from './merge-changes.js';
import type { RowChanges } from './rows.js';
import { isMoved, moveWatermarks, type Advance } from './watermarks.js';

export interface ProjectionBatch {
  readonly topic: string;
  /** One per partition. */
  readonly advances: readonly Advance[];
  /** Of each partition all records from `from` to `to`, in order. */
  readonly changes: readonly RowChanges[];
}

/** `moved`: a watermark stands elsewhere, and nothing was written. */
export type Applied = 'applied' | 'moved';

/**
 * @throws BlackboardError CONFLICT when a row is there although its watermark stands before it.
 * @throws the driver's error; when it came while committing, the batch may be there: the watermark tells.
 */
export async function applyBatch(db: Database, batch: ProjectionBatch): Promise<Applied> {
  const jobs = mergeJobChanges(batch.changes);
  const artifacts = mergeArtifactChanges(batch.changes);
  const statements = [
    ...moveWatermarks(batch.topic, batch.advances, jobs.flatMap(({ job, ended }) => (ended === null ? [] : [job]))),
    { sql: auditSql, copy: copyRows(auditColumns, batch.changes.map((change) => change.audit)) },
    ...(jobs.length === 0 ? [] : [{ sql: jobsSql, values: columnArrays(jobColumns, jobs) }]),
    ...(artifacts.length === 0 ? [] : [{ sql: artifactsSql, values: columnArrays(artifactColumns, artifacts) }]),
  ];
  try {
    await db.runAll(statements);
    return 'applied';
  } catch (error) {
    if (isMoved(error)) return 'moved';
    throw isThereAlready(error) ? rowsAhead(batch, error) : error;
  }
}

function isThereAlready(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505';
}

function rowsAhead({ topic, advances }: ProjectionBatch, cause: unknown): BlackboardError {
  return new BlackboardError('CONFLICT', `audit_rows holds rows of ${topic} ahead of its watermarks: one of the two was changed or restored without the other. Nothing was written. `
    + 'Rebuild the projection into an empty schema, or restore both from one backup.', { topic, partitions: advances.map(({ partition }) => partition) }, { cause });
}

// No row can be there already: the watermark, moved in the same transaction, stands before the first of them.
const auditSql = copyInto('audit_rows', auditColumns);

const onceKnown = [
  'workflow', 'workflow_version', 'policy_version', 'idempotency_key', 'submission_digest', 'params', 'goal', 'correlation', 'on_behalf_of', 'signer', 'trace',
  'accepted_offset', 'accepted_at', 'deadline_at', 'cost_cap_micros', 'outcome', 'reason', 'ended_offset', 'ended_at', 'latency_ms',
  'result_type', 'result_contract', 'result_hash', 'result_size', 'result_encoding', 'result_body',
];
const counters = ['attempts_requested', 'attempts_failed', 'verifications_requested', 'steps_completed', 'steps_failed', 'artifacts_verified', 'artifacts_rejected'];

const jobsSql = `${insertFromArrays('jobs AS held', jobColumns)}
ON CONFLICT (job, instance) DO UPDATE SET
  ${onceKnown.map((name) => `${name} = coalesce(excluded.${name}, held.${name})`).join(', ')},
  ${counters.map((name) => `${name} = held.${name} + excluded.${name}`).join(', ')},
  cost_micros = CASE WHEN excluded.ended_offset IS NOT NULL THEN excluded.cost_micros
    ELSE least(held.cost_micros::numeric + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})::bigint END,
  last_offset = excluded.last_offset, last_event_at = excluded.last_event_at`;

const artifactsSql = `${insertFromArrays('artifacts AS held', artifactColumns)}
ON CONFLICT (job, instance, step, attempt, hash) DO UPDATE SET
  ${['namespace', 'state', 'type', 'contract', 'size', 'producer', 'reason', 'rubric_score', 'encoding', 'body', 'last_offset', 'last_event_at'].map((name) => `${name} = excluded.${name}`).join(', ')},
  ${['verifier', 'confidence', 'fresh_at'].map((name) => `${name} = coalesce(excluded.${name}, held.${name})`).join(', ')}`;
