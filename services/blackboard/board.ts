// The nouns of one partition's state. They are values: a change makes a new JobState; only the two maps of a
// PartitionState, the cursor and the clock move in place, since a partition may hold thousands of jobs.

import type TinyQueue from 'tinyqueue';
import type { CandidateRef, Reason } from '../../schemas/generated/events.js';
import type { Policy } from './policy.js';
import type { RememberedJobs } from './remembered-jobs.js';
import type { Workflow, WorkflowStep } from './workflow.js';

export type StepStatus = 'waiting' | 'working' | 'verifying' | 'backoff' | 'completed' | 'failed';

export interface VerifiedArtifact {
  readonly step: string;
  readonly producer: string;
  readonly type: string;
  readonly contract: string;
  readonly hash: string;
  readonly size: number;
  /** Null: in the body store. */
  readonly inline: Buffer | null;
  readonly refs: readonly string[];
}

/** What the answer of the attempt said about how it was made; kept while its candidates are looked at. */
export interface Provenance {
  readonly agentVersion: string;
  readonly promptHash: string;
  readonly modelId: string;
  readonly costMicros: number;
  readonly fallbackTaken: string;
}

export interface StepState {
  readonly id: string;
  readonly definition: WorkflowStep;
  /** JSON object. */
  readonly params: string;
  readonly status: StepStatus;
  /** 0 before the first request. */
  readonly attempt: number;
  /** Offset on verified of the request that is open (work or verification), else -1. */
  readonly requestOffset: number;
  /** Partition time of the attempt's work request. */
  readonly requestedAtMs: number;
  /** Of the open request. */
  readonly deadlineAtMs: number;
  /** Backoff: when the next attempt is due; -1: no attempt is left. */
  readonly retryAtMs: number;
  readonly candidates: readonly CandidateRef[];
  readonly provenance: Provenance | null;
  /** Why the last attempt failed. */
  readonly reasons: readonly Reason[];
}

export interface JobState {
  readonly job: string;
  readonly instance: number;
  readonly tenant: string;
  readonly correlation: string;
  readonly onBehalfOf: string;
  readonly workflow: Workflow;
  readonly workflowVersion: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly submissionDigest: string;
  /** Offset and epoch of JobAccepted on verified. */
  readonly acceptedOffset: number;
  readonly acceptedEpoch: number;
  readonly acceptedAtMs: number;
  readonly deadlineAtMs: number;
  readonly costMicros: number;
  /** In the order of the workflow, expanded steps behind one another. */
  readonly steps: Readonly<Record<string, StepState>>;
  readonly expanded: readonly string[];
  readonly artifacts: readonly VerifiedArtifact[];
}

export interface Timer {
  readonly atMs: number;
  readonly job: string;
}

export interface PartitionState {
  readonly partition: number;
  /** The newest marker's offset; -1 before the first. */
  epoch: number;
  /** Highest quarantine offset decided; -1 before the first. */
  cursor: number;
  /** Running maximum of the append times up to the cursor, ms since 1970. */
  timeMs: number;
  /** When the owner wrote last, as the newest checkpoint says it: behind a backlog, later than `timeMs`. */
  writtenAtMs: number;
  controlOffset: number;
  policy: Policy;
  policyVersion: string;
  /** By version: those in force and those that open jobs began with. */
  readonly workflows: Map<string, Workflow>;
  readonly jobs: Map<string, JobState>;
  /** Ended jobs within their window. */
  readonly remembered: RememberedJobs;
  readonly openJobsByTenant: Map<string, number>;
  /** Earliest first, then by job id; entries that no longer hold are dropped when met. */
  readonly timers: TinyQueue<Timer>;
}
