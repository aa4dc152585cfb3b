// The board and the timeline of one job as of a point of its log: the same fold as the orchestrator's, stopped there.

import type { CandidateRef, Fact } from '../schemas/generated/events.js';
import type { JobState, StepState } from '../services/blackboard/board.js';
import { emptyPartition, evolve } from '../services/orchestrator/evolve.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import { readFacts, type RecordedFact } from './read-partition.js';
import type { RecordedBlackboard } from './readable-log.js';

/** A point of the record; what stands there belongs to it. */
export type At =
  /** On `bb.verified`, in the job's partition. */
  | { readonly kind: 'offset'; readonly offset: number; readonly partition: number | null }
  /** Append time, ms since 1970. */
  | { readonly kind: 'time'; readonly atMs: number }
  /** The n-th fact about the job, from 1. */
  | { readonly kind: 'event'; readonly n: number };

export interface TimelineEvent {
  readonly n: number;
  readonly offset: number;
  /** Append time. */
  readonly atMs: number;
  readonly type: Fact['type'];
  readonly step: string;
  readonly attempt: number;
  readonly agent: string;
  readonly signer: string;
  /** Offset on quarantine of the claim that caused it. */
  readonly cause: number;
  readonly reason: string;
  readonly edgeLabel: string;
}

export interface BoardArtifact {
  readonly namespace: 'verified' | 'quarantine';
  readonly state: 'verified' | 'waiting' | 'rejected';
  readonly type: string;
  readonly step: string;
  readonly hash: string;
  readonly size: number;
  readonly producer: string;
  readonly verifier: string;
  readonly reason: string;
}

export interface BoardStep {
  readonly id: string;
  readonly agent: string;
  readonly verifier: string;
  readonly status: StepState['status'];
  readonly attempt: number;
  readonly requestOffset: number;
  /** 0 or -1 where none is open. */
  readonly deadlineAtMs: number;
  readonly retryAtMs: number;
  readonly reasons: readonly string[];
}

export interface Board {
  readonly job: string;
  readonly instance: number;
  readonly tenant: string;
  readonly workflow: string;
  readonly workflowVersion: string;
  /** `open`, or how it ended. */
  readonly status: string;
  readonly acceptedAtMs: number;
  readonly deadlineAtMs: number;
  readonly costMicros: number;
  readonly steps: readonly BoardStep[];
  readonly artifacts: readonly BoardArtifact[];
}

export interface BoardAt {
  readonly job: string;
  readonly partition: number;
  /** Last record of the partition that was folded; -1: none. */
  readonly offset: number;
  readonly atMs: number;
  /** Null: not accepted by then. */
  readonly board: Board | null;
  /** Facts that name the job, those of all its lives and refused claims among them. */
  readonly timeline: readonly TimelineEvent[];
}

/** Reads `1234`, `3/1234`, `v/3/1234`, `#7` or `e7`, or an ISO date or time (UTC unless it says otherwise). @throws BlackboardError INPUT_INVALID */
export function parseAt(text: string): At {
  const offset = /^(?:v\/)?(?:(\d{1,4})\/)?(\d{1,15})$/.exec(text);
  if (offset !== null) return { kind: 'offset', offset: Number(offset[2]), partition: offset[1] === undefined ? null : Number(offset[1]) };
  const event = /^[#e](\d{1,9})$/.exec(text);
  if (event !== null) return { kind: 'event', n: Number(event[1]) };
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text);
  const atMs = isDay || isTime ? Date.parse(isTime && !/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text.replace(' ', 'T')}Z` : text) : Number.NaN;
  if (!Number.isNaN(atMs)) return { kind: 'time', atMs };
  throw new BlackboardError('INPUT_INVALID', 'at: an offset of verified (1234 or 3/1234), an event of the job (e7), or an ISO time (2025-03-01T14:02:07Z)', { field: 'at' });
}

/** Null: no record of the whole log names the job. @throws BlackboardError INPUT_INVALID for a point of another partition, or an event that is not there. */
export async function boardAt(source: RecordedBlackboard, job: string, at: At | null): Promise<BoardAt | null> {
  const ranges = await source.log.ranges(source.topics.verified);
  const partition = partitionFor(Buffer.from(job), ranges.length);
  if (at?.kind === 'offset' && at.partition !== null && at.partition !== partition) {
    throw new BlackboardError('INPUT_INVALID', `at: the job's records are in partition ${partition}, not ${at.partition}`, { field: 'at', partition });
  }
  const state = emptyPartition(partition);
  const seen = new JobRecords(job);
  let last: RecordedFact | null = null;
  let past = false;
  for await (const one of readFacts(source, partition, ranges[partition]?.next ?? 0)) {
    if (one.kind !== 'fact' || !one.counts) continue;
    past ||= isPast(one.at, at, seen.events);
    if (past) {
      // Read on only to learn whether there is such a job at all.
      seen.isKnown ||= one.at.fact.job === job;
      if (seen.isKnown) break;
      continue;
    }
    const before = state.jobs.get(job);
    evolve(state, one.at.fact, one.at.record.offset);
    seen.add(one.at, before, state.jobs.get(job));
    last = one.at;
  }
  if (!seen.isKnown) return null;
  if (at?.kind === 'event' && at.n > seen.events) throw new BlackboardError('INPUT_INVALID', `at: the job has ${seen.events} events so far, e1 to e${seen.events}`, { field: 'at', events: seen.events });
  return { job, partition, offset: last?.record.offset ?? -1, atMs: last?.record.appendTimeMs ?? 0, board: seen.board(), timeline: seen.timeline };
}

function isPast({ record }: RecordedFact, at: At | null, events: number): boolean {
  switch (at?.kind) {
    case 'offset': return record.offset > at.offset;
    case 'time': return record.appendTimeMs > at.atMs;
    case 'event': return events >= at.n;
    default: return false;
  }
}

/** What of the facts so far is about one job. */
class JobRecords {
  readonly timeline: TimelineEvent[] = [];
  isKnown = false;
  #job: JobState | null = null;
  #status = 'open';
  #rejected: BoardArtifact[] = [];

  constructor(private readonly id: string) {}

  get events(): number {
    return this.timeline.length;
  }

  add({ fact, record }: RecordedFact, before: JobState | undefined, after: JobState | undefined): void {
    if (fact.job !== this.id) return;
    this.isKnown = true;
    this.timeline.push({
      n: this.timeline.length + 1, offset: record.offset, atMs: record.appendTimeMs, type: fact.type, step: fact.step, attempt: fact.attempt, agent: fact.agent, signer: fact.signer,
      cause: fact.cause, reason: 'reason' in fact ? fact.reason : '', edgeLabel: 'edgeLabel' in fact ? fact.edgeLabel : '',
    });
    if (fact.type === 'JobAccepted' && before === undefined) {
      this.#status = 'open';
      this.#rejected = [];
    }
    if (fact.type === 'ArtifactRejected') {
      this.#rejected.push({ namespace: 'quarantine', state: 'rejected', type: fact.artifactType, step: fact.step, hash: fact.hash, size: fact.size, producer: fact.producer, verifier: fact.verifier, reason: fact.reason });
    }
    if (fact.type === 'JobEnded' && before !== undefined && after === undefined) this.#status = fact.outcome;
    this.#job = after ?? before ?? this.#job;
  }

  board(): Board | null {
    const job = this.#job;
    if (job === null) return null;
    const steps = Object.values(job.steps);
    const verified = job.artifacts.map((artifact): BoardArtifact => ({
      namespace: 'verified', state: 'verified', type: artifact.type, step: artifact.step, hash: artifact.hash, size: artifact.size, producer: artifact.producer, verifier: job.steps[artifact.step]?.definition.verifier ?? '', reason: '',
    }));
    const waiting = this.#status !== 'open' ? [] : steps.flatMap((step) => (step.status === 'verifying' ? step.candidates.map((candidate) => waits(candidate, step)) : []));
    return {
      job: job.job, instance: job.instance, tenant: job.tenant, workflow: job.workflow.name, workflowVersion: job.workflowVersion, status: this.#status,
      acceptedAtMs: job.acceptedAtMs, deadlineAtMs: job.deadlineAtMs, costMicros: job.costMicros, steps: steps.map(boardStep), artifacts: [...verified, ...waiting, ...this.#rejected],
    };
  }
}

function waits(candidate: CandidateRef, step: StepState): BoardArtifact {
  return { namespace: 'quarantine', state: 'waiting', type: candidate.type, step: step.id, hash: candidate.hash, size: candidate.size, producer: candidate.producer, verifier: step.definition.verifier, reason: '' };
}

function boardStep(step: StepState): BoardStep {
  const { id, definition, status, attempt, requestOffset, deadlineAtMs, retryAtMs } = step;
  return { id, agent: definition.agent, verifier: definition.verifier, status, attempt, requestOffset, deadlineAtMs, retryAtMs, reasons: step.reasons.map((reason) => reason.code) };
}
