// A batch of row changes in one transaction of a few statements: the watermarks first, by compare-and-set, then the
// rows. Either all of it is there or nothing; a second projector of the same partition can neither double nor go back.

import type { Database, Statement } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import { writeAuditRow } from './audit-copy.js';
import { writeCopy, writeRow } from './binary-arrays.js';
import { BinaryWriter } from './binary-writer.js';
import { acceptanceColumns, artifactColumns, auditColumns, columnArrays, copyInto, endingColumns, insertFromArrays, jobColumns, laterJobColumns, type Column } from './columns.js';
import { mergeArtifactChanges, mergeJobChanges } from './merge-changes.js';
import type { ArtifactChange, JobChange, RowChanges } from './rows.js';
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

/** Rows of jobs and artifacts: `new` ones by COPY; those that are there already, or may be, by an upsert of the columns that can change. */
interface Changed {
  readonly newJobs: readonly JobChange[];
  readonly jobs: readonly JobChange[];
  readonly newArtifacts: readonly ArtifactChange[];
  readonly artifacts: readonly ArtifactChange[];
}

/** Memory of transactions that are over, for those to come. */
const idleWriters: BinaryWriter[] = [];
const idleBytesMax = 8 * 1024 * 1024;

/**
 * @throws BlackboardError CONFLICT when a row is there although its watermark stands before it.
 * @throws the driver's error; when it came while committing, the batch may be there: the watermark tells.
 */
export async function applyBatch(db: Database, batch: ProjectionBatch): Promise<Applied> {
  const jobs = mergeJobChanges(batch.changes);
  const artifacts = mergeArtifactChanges(batch.changes);
  const ended = jobs.flatMap((job) => (job.ended === null ? [] : [job.job]));
  const likely = {
    newJobs: jobs.filter((job) => job.accepted !== null), jobs: jobs.filter((job) => job.accepted === null),
    newArtifacts: artifacts.filter((artifact) => artifact.isNew), artifacts: artifacts.filter((artifact) => !artifact.isNew),
  };
  try {
    return await write(db, batch, ended, likely);
  } catch (error) {
    if (!isThereAlready(error)) throw error;
  }
  // A fact said again what was said before: no sound log has that, and it must not stop the projector.
  try {
    return await write(db, batch, ended, { newJobs: [], jobs, newArtifacts: [], artifacts });
  } catch (error) {
    throw isThereAlready(error) ? rowsAhead(batch, error) : error;
  }
}

async function write(db: Database, batch: ProjectionBatch, ended: readonly string[], { newJobs, jobs, newArtifacts, artifacts }: Changed): Promise<Applied> {
  const writer = idleWriters.pop() ?? new BinaryWriter();
  const copied = <Row>(sql: string, columns: readonly Column<Row>[], rows: readonly Row[]): readonly Statement[] => (rows.length === 0 ? [] : [{ sql, copy: writeCopy(writer, rows, (to, row) => writeRow(to, columns, row)) }]);
  const upserted = <Row>(sql: string, columns: readonly Column<Row>[], rows: readonly Row[]): readonly Statement[] => (rows.length === 0 ? [] : [{ sql, values: columnArrays(writer, columns, rows) }]);
  const isAccepting = jobs.some((job) => job.accepted !== null);
  try {
    await db.runAll([
      ...moveWatermarks(batch.topic, batch.advances, ended),
      { sql: auditSql, copy: writeCopy(writer, batch.changes, (to, { audit }) => writeAuditRow(to, audit)) },
      ...copied(newJobsSql, jobColumns, newJobs),
      ...(isAccepting ? upserted(jobsSql, jobColumns, jobs) : upserted(laterJobsSql, laterJobColumns, jobs)),
      ...copied(newArtifactsSql, artifactColumns, newArtifacts),
      ...upserted(artifactsSql, artifactColumns, artifacts),
    ]);
  } catch (error) {
    // What was written may still be on its way: its memory is not used again.
    if (isMoved(error)) return 'moved';
    throw error;
  }
  writer.clear();
  if (idleWriters.length < 2 && writer.capacity <= idleBytesMax) idleWriters.push(writer);
  return 'applied';
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
const newJobsSql = copyInto('jobs', jobColumns);
const newArtifactsSql = copyInto('artifacts', artifactColumns);

const counters = ['attempts_requested', 'attempts_failed', 'verifications_requested', 'steps_completed', 'steps_failed', 'artifacts_verified', 'artifacts_rejected'];

const upsertOfJobs = (columns: readonly Column<JobChange>[], onceKnown: readonly Column<JobChange>[]): string => `${insertFromArrays('jobs AS held', columns)}
ON CONFLICT (job, instance) DO UPDATE SET
  ${onceKnown.map(({ name }) => `${name} = coalesce(excluded.${name}, held.${name})`).join(', ')},
  ${counters.map((name) => `${name} = held.${name} + excluded.${name}`).join(', ')},
  cost_micros = CASE WHEN excluded.ended_offset IS NOT NULL THEN excluded.cost_micros
    ELSE least(held.cost_micros::numeric + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})::bigint END,
  last_offset = excluded.last_offset, last_event_at = excluded.last_event_at`;

const laterJobsSql = upsertOfJobs(laterJobColumns, endingColumns);
const jobsSql = upsertOfJobs(jobColumns, [...acceptanceColumns, ...endingColumns]);

const artifactsSql = `${insertFromArrays('artifacts AS held', artifactColumns)}
ON CONFLICT (job, instance, step, attempt, hash) DO UPDATE SET
  ${['namespace', 'state', 'type', 'contract', 'size', 'producer', 'reason', 'rubric_score', 'encoding', 'body', 'last_offset', 'last_event_at'].map((name) => `${name} = excluded.${name}`).join(', ')},
  ${['verifier', 'confidence', 'fresh_at'].map((name) => `${name} = coalesce(excluded.${name}, held.${name})`).join(', ')}`;
