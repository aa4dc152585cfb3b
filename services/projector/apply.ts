// A batch of row changes in one transaction of a few statements: the watermarks first, by compare-and-set, then the
// rows. Either all of it is there or nothing; a second projector of the same partition can neither double nor go back.

import type { Database } from '../runtime/database.js';
import { artifactColumns, auditColumns, columnArrays, insertFromArrays, jobColumns } from './columns.js';
import { mergeArtifactChanges, mergeJobChanges } from './merge-changes.js';
import type { RowChanges } from './rows.js';
import { moveWatermarks, type Advance } from './watermarks.js';

export interface ProjectionBatch {
  readonly topic: string;
  /** One per partition. */
  readonly advances: readonly Advance[];
  /** Of each partition all records from `from` to `to`, in order. */
  readonly changes: readonly RowChanges[];
}

/** `moved`: a watermark stands elsewhere, and nothing was written. */
export type Applied = 'applied' | 'moved';

/** @throws the driver's error; when it came while committing, the batch may be there: the watermark tells. */
export async function applyBatch(db: Database, batch: ProjectionBatch): Promise<Applied> {
  try {
    await db.transaction(async (tx) => {
      if (!(await moveWatermarks(tx, batch.topic, batch.advances))) throw new Moved();
      await tx.query(auditSql, columnArrays(auditColumns, batch.changes.map((change) => change.audit)));
      const jobs = mergeJobChanges(batch.changes);
      if (jobs.length > 0) await tx.query(jobsSql, columnArrays(jobColumns, jobs));
      const artifacts = mergeArtifactChanges(batch.changes);
      if (artifacts.length > 0) await tx.query(artifactsSql, columnArrays(artifactColumns, artifacts));
    });
    return 'applied';
  } catch (error) {
    if (error instanceof Moved) return 'moved';
    throw error;
  }
}

class Moved extends Error {}

// A row that is there already is the same row: the log's offset names it, and records never change.
const auditSql = `${insertFromArrays('audit_rows', auditColumns)} ON CONFLICT (topic, partition, "offset") DO NOTHING`;

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
