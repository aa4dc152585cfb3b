// The tables' columns and how a row fills them; a batch of any size is one statement of a fixed text.

import { writeArray, type ColumnOf } from './binary-arrays.js';
import type { BinaryWriter } from './binary-writer.js';
import type { ArtifactChange, AuditRow, JobChange } from './rows.js';

export interface Column<Row> extends ColumnOf<Row> {
  /** As in SQL, quoted where it must be. */
  readonly name: string;
}

/** One array per column. */
export function columnArrays<Row>(writer: BinaryWriter, columns: readonly Column<Row>[], rows: readonly Row[]): readonly Buffer[] {
  return columns.map((column) => writeArray(writer, column, rows));
}

/** `INSERT INTO table (…) SELECT … FROM unnest($1::text[], …)`; what to do on conflict is the caller's to add. */
export function insertFromArrays<Row>(table: string, columns: readonly Column<Row>[]): string {
  const names = columns.map((column) => column.name).join(', ');
  const arrays = columns.map((column, index) => `$${index + 1}::${column.type}[]`).join(', ');
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM unnest(${arrays}) AS rows (${names})`;
}

/** `COPY table (…) FROM STDIN`, for what `writeCopy` makes. */
export function copyInto<Row>(table: string, columns: readonly Column<Row>[]): string {
  return `COPY ${table} (${columns.map((column) => column.name).join(', ')}) FROM STDIN (FORMAT binary)`;
}

export const auditColumns: readonly Column<AuditRow>[] = [
  { name: 'topic', type: 'text', of: (row) => row.topic },
  { name: 'partition', type: 'integer', of: (row) => row.partition },
  { name: '"offset"', type: 'bigint', of: (row) => row.offset },
  { name: 'ts', type: 'timestamptz', of: (row) => row.tsMs },
  { name: 'stale', type: 'boolean', of: (row) => row.stale },
  { name: 'event_type', type: 'text', of: (row) => row.eventType },
  { name: 'node', type: 'text', of: (row) => row.node },
  { name: 'agent', type: 'text', of: (row) => row.agent },
  { name: 'agent_version', type: 'text', of: (row) => row.agentVersion },
  { name: 'tenant', type: 'text', of: (row) => row.tenant },
  { name: 'job', type: 'text', of: (row) => row.job },
  { name: 'instance', type: 'bigint', of: (row) => row.instance },
  { name: 'step', type: 'text', of: (row) => row.step },
  { name: 'attempt', type: 'integer', of: (row) => row.attempt },
  { name: 'model', type: 'text', of: (row) => row.model },
  { name: 'prompt_hash', type: 'text', of: (row) => row.promptHash },
  { name: 'policy_version', type: 'text', of: (row) => row.policyVersion },
  { name: 'workflow_version', type: 'text', of: (row) => row.workflowVersion },
  { name: 'input_hash', type: 'text', of: (row) => row.inputHash },
  { name: 'output_hash', type: 'text', of: (row) => row.outputHash },
  { name: 'rubric_score', type: 'double precision', of: (row) => row.rubricScore },
  { name: 'latency_ms', type: 'bigint', of: (row) => row.latencyMs },
  { name: 'cost_micros', type: 'bigint', of: (row) => row.costMicros },
  { name: 'fallback_taken', type: 'text', of: (row) => row.fallbackTaken },
  { name: 'edge_label', type: 'text', of: (row) => row.edgeLabel },
  { name: 'reason', type: 'text', of: (row) => row.reason },
  { name: 'epoch', type: 'bigint', of: (row) => row.epoch },
  { name: 'cause', type: 'bigint', of: (row) => row.cause },
  { name: 'causation', type: 'text', of: (row) => row.causation },
  { name: 'correlation', type: 'text', of: (row) => row.correlation },
  { name: 'on_behalf_of', type: 'text', of: (row) => row.onBehalfOf },
  { name: 'signer', type: 'text', of: (row) => row.signer },
  { name: 'authentic', type: 'boolean', of: (row) => row.authentic },
  { name: 'trace', type: 'text', of: (row) => row.trace },
  { name: 'digest', type: 'bytea', of: (row) => row.digest },
  { name: 'detail', type: 'jsonb', of: (row) => row.detail },
];

const identityColumns: readonly Column<JobChange>[] = [
  { name: 'job', type: 'text', of: (row) => row.job },
  { name: 'instance', type: 'bigint', of: (row) => row.instance },
  { name: 'partition', type: 'integer', of: (row) => row.partition },
  { name: 'tenant', type: 'text', of: (row) => row.tenant },
];

/** Said by the acceptance alone. */
export const acceptanceColumns: readonly Column<JobChange>[] = [
  { name: 'workflow', type: 'text', of: (row) => row.accepted?.workflow ?? null },
  { name: 'workflow_version', type: 'text', of: (row) => row.accepted?.workflowVersion ?? null },
  { name: 'policy_version', type: 'text', of: (row) => row.accepted?.policyVersion ?? null },
  { name: 'idempotency_key', type: 'text', of: (row) => row.accepted?.idempotencyKey ?? null },
  { name: 'submission_digest', type: 'text', of: (row) => row.accepted?.submissionDigest ?? null },
  { name: 'params', type: 'text', of: (row) => row.accepted?.params ?? null },
  { name: 'goal', type: 'text', of: (row) => row.accepted?.goal ?? null },
  { name: 'correlation', type: 'text', of: (row) => row.accepted?.correlation ?? null },
  { name: 'on_behalf_of', type: 'text', of: (row) => row.accepted?.onBehalfOf ?? null },
  { name: 'signer', type: 'text', of: (row) => row.accepted?.signer ?? null },
  { name: 'trace', type: 'text', of: (row) => row.accepted?.trace ?? null },
  { name: 'accepted_offset', type: 'bigint', of: (row) => row.accepted?.offset ?? null },
  { name: 'accepted_at', type: 'timestamptz', of: (row) => row.accepted?.atMs ?? null },
  { name: 'deadline_at', type: 'timestamptz', of: (row) => row.accepted?.deadlineAtMs ?? null },
  { name: 'cost_cap_micros', type: 'bigint', of: (row) => row.accepted?.costCapMicros ?? null },
];

/** Said by the end alone. */
export const endingColumns: readonly Column<JobChange>[] = [
  { name: 'outcome', type: 'text', of: (row) => row.ended?.outcome ?? null },
  { name: 'reason', type: 'text', of: (row) => row.ended?.reason ?? null },
  { name: 'ended_offset', type: 'bigint', of: (row) => row.ended?.offset ?? null },
  { name: 'ended_at', type: 'timestamptz', of: (row) => row.ended?.atMs ?? null },
  { name: 'latency_ms', type: 'bigint', of: (row) => row.ended?.latencyMs ?? null },
  { name: 'result_type', type: 'text', of: (row) => row.ended?.resultType ?? null },
  { name: 'result_contract', type: 'text', of: (row) => row.ended?.resultContract ?? null },
  { name: 'result_hash', type: 'text', of: (row) => row.ended?.resultHash ?? null },
  { name: 'result_size', type: 'bigint', of: (row) => row.ended?.resultSize ?? null },
  { name: 'result_encoding', type: 'text', of: (row) => row.ended?.resultEncoding ?? null },
  { name: 'result_body', type: 'bytea', of: (row) => row.ended?.resultBody ?? null },
];

const progressColumns: readonly Column<JobChange>[] = [
  { name: 'cost_micros', type: 'bigint', of: (row) => Math.min(row.ended?.costMicros ?? row.added.costMicros, Number.MAX_SAFE_INTEGER) },
  { name: 'attempts_requested', type: 'integer', of: (row) => row.added.attemptsRequested },
  { name: 'attempts_failed', type: 'integer', of: (row) => row.added.attemptsFailed },
  { name: 'verifications_requested', type: 'integer', of: (row) => row.added.verificationsRequested },
  { name: 'steps_completed', type: 'integer', of: (row) => row.added.stepsCompleted },
  { name: 'steps_failed', type: 'integer', of: (row) => row.added.stepsFailed },
  { name: 'artifacts_verified', type: 'integer', of: (row) => row.added.artifactsVerified },
  { name: 'artifacts_rejected', type: 'integer', of: (row) => row.added.artifactsRejected },
  { name: 'last_offset', type: 'bigint', of: (row) => row.lastOffset },
  { name: 'last_event_at', type: 'timestamptz', of: (row) => row.lastEventAtMs },
];

/** Of a job whose acceptance is among its changes. */
export const jobColumns: readonly Column<JobChange>[] = [...identityColumns, ...acceptanceColumns, ...endingColumns, ...progressColumns];

/** Of a job that was accepted before. */
export const laterJobColumns: readonly Column<JobChange>[] = [...identityColumns, ...endingColumns, ...progressColumns];

export const artifactColumns: readonly Column<ArtifactChange>[] = [
  { name: 'job', type: 'text', of: (row) => row.job },
  { name: 'instance', type: 'bigint', of: (row) => row.instance },
  { name: 'step', type: 'text', of: (row) => row.step },
  { name: 'attempt', type: 'integer', of: (row) => row.attempt },
  { name: 'hash', type: 'text', of: (row) => row.hash },
  { name: 'partition', type: 'integer', of: (row) => row.partition },
  { name: 'tenant', type: 'text', of: (row) => row.tenant },
  { name: 'namespace', type: 'text', of: (row) => row.namespace },
  { name: 'state', type: 'text', of: (row) => row.state },
  { name: 'type', type: 'text', of: (row) => row.type },
  { name: 'contract', type: 'text', of: (row) => row.contract },
  { name: 'size', type: 'bigint', of: (row) => row.size },
  { name: 'producer', type: 'text', of: (row) => row.producer },
  { name: 'verifier', type: 'text', of: (row) => row.verifier },
  { name: 'reason', type: 'text', of: (row) => row.reason },
  { name: 'confidence', type: 'double precision', of: (row) => row.confidence },
  { name: 'fresh_at', type: 'timestamptz', of: (row) => row.freshAtMs },
  { name: 'rubric_score', type: 'double precision', of: (row) => row.rubricScore },
  { name: 'encoding', type: 'text', of: (row) => row.encoding },
  { name: 'body', type: 'bytea', of: (row) => row.body },
  { name: 'last_offset', type: 'bigint', of: (row) => row.lastOffset },
  { name: 'last_event_at', type: 'timestamptz', of: (row) => row.lastEventAtMs },
];
