// How a partition's state looks in a snapshot: parts, each of which is read by itself. Texts stand once per part and
// are named by their place in it, since jobs share most of theirs. Nothing here is read across versions.

import avsc from 'avsc';
import type { CandidateRef, Reason } from '../../schemas/generated/events.js';
import type { Provenance, StepStatus } from '../blackboard/board.js';

/** Index into the part's `texts`. */
export type TextIndex = number;

export interface FrozenHead {
  readonly partition: number;
  readonly epoch: number;
  readonly cursor: number;
  readonly timeMs: number;
  readonly writtenAtMs: number;
  readonly controlOffset: number;
  /** As a fact carries it; empty before the first. */
  readonly policy: string;
  /** JSON of each workflow that an open job began with and the policy does not hold. */
  readonly workflows: readonly string[];
}

export interface FrozenStep {
  readonly id: TextIndex;
  /** Index in the workflow's steps. */
  readonly definition: number;
  readonly params: TextIndex;
  readonly status: number;
  readonly attempt: number;
  readonly requestOffset: number;
  readonly requestedAtMs: number;
  readonly deadlineAtMs: number;
  readonly retryAtMs: number;
  readonly candidates: readonly CandidateRef[];
  readonly provenance: Provenance | null;
  readonly reasons: readonly Reason[];
}

export interface FrozenArtifact {
  readonly step: TextIndex;
  readonly producer: TextIndex;
  readonly type: TextIndex;
  readonly contract: TextIndex;
  readonly hash: string;
  readonly size: number;
  readonly inline: Buffer | null;
  readonly refs: readonly string[];
}

export interface FrozenJob {
  readonly job: string;
  readonly instance: number;
  readonly tenant: TextIndex;
  /** -1: the job's id. */
  readonly correlation: TextIndex;
  readonly onBehalfOf: TextIndex;
  readonly workflowVersion: TextIndex;
  readonly params: TextIndex;
  readonly submissionDigest: string;
  readonly acceptedOffset: number;
  readonly acceptedEpoch: number;
  readonly acceptedAtMs: number;
  readonly deadlineAtMs: number;
  readonly costMicros: number;
  readonly steps: readonly FrozenStep[];
  readonly expanded: readonly TextIndex[];
  readonly artifacts: readonly FrozenArtifact[];
}

export interface FrozenPart {
  /** In the first part alone. */
  readonly head: FrozenHead | null;
  readonly texts: readonly string[];
  readonly jobs: readonly FrozenJob[];
  /** Ended jobs, packed. */
  readonly remembered: Buffer;
}

/** In the order of their numbers; new ones go to the end. */
export const stepStatuses: readonly StepStatus[] = ['waiting', 'working', 'verifying', 'backoff', 'completed', 'failed'];

type Fields = Readonly<Record<string, unknown>>;

function record(name: string, fields: Fields): unknown {
  return { type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) };
}
function listOf(items: unknown): unknown {
  return { type: 'array', items };
}
function longs(...names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, 'long']));
}

const evidence = record('Evidence', { source: 'string', reference: 'string', position: 'long' });
const candidate = record('Candidate', { type: 'string', contract: 'string', hash: 'string', size: 'long', producer: 'string', refs: listOf('string'), confidence: 'double', freshAtMs: 'long', evidence: listOf(evidence) });
const provenance = record('Provenance', { agentVersion: 'string', promptHash: 'string', modelId: 'string', costMicros: 'long', fallbackTaken: 'string' });
const reason = record('Reason', { code: 'string', position: 'long' });
const step = record('Step', {
  ...longs('id', 'definition', 'params', 'status', 'attempt', 'requestOffset', 'requestedAtMs', 'deadlineAtMs', 'retryAtMs'),
  candidates: listOf(candidate), provenance: ['null', provenance], reasons: listOf(reason),
});
const artifact = record('Artifact', { ...longs('step', 'producer', 'type', 'contract'), hash: 'string', size: 'long', inline: ['null', 'bytes'], refs: listOf('string') });
const job = record('Job', {
  job: 'string', ...longs('instance', 'tenant', 'correlation', 'onBehalfOf', 'workflowVersion', 'params'), submissionDigest: 'string',
  ...longs('acceptedOffset', 'acceptedEpoch', 'acceptedAtMs', 'deadlineAtMs', 'costMicros'), steps: listOf(step), expanded: listOf('long'), artifacts: listOf(artifact),
});
const head = record('Head', { ...longs('partition', 'epoch', 'cursor', 'timeMs', 'writtenAtMs', 'controlOffset'), policy: 'string', workflows: listOf('string') });

export const frozenPartType: avsc.Type = avsc.Type.forSchema(
  record('Part', { head: ['null', head], texts: listOf('string'), jobs: listOf(job), remembered: 'bytes' }) as avsc.Schema,
  { wrapUnions: false },
);
