// A partition's state to bytes and back (R10). What comes back means the same: folding on from it gives what folding
// on from the original gives. What the fold can make again (timers, counts of open jobs, definitions of steps) is not
// written, and an ended job whose window has passed is left out. Parts are small, so that nobody is held up by one.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JobState, PartitionState, StepState, VerifiedArtifact } from '../blackboard/board.js';
import { policyTextOf, policyOfText, workflowVersionOf } from '../blackboard/policy-version.js';
import type { Workflow, WorkflowStep } from '../blackboard/workflow.js';
import { endOfAvro } from '../runtime/codec/avro-bounds.js';
import { emptyPartition, restoreTimers } from './evolve.js';
import { frozenPartType, stepStatuses, type FrozenArtifact, type FrozenHead, type FrozenJob, type FrozenPart, type FrozenStep } from './frozen-types.js';

/** Parts end at whichever comes first. */
const partMax = { jobs: 1_000, bytes: 512 * 1024 } as const;
/** Ended jobs in a part of their own. */
const endsMax = 4_000;
/** A part that says it is larger than this when inflated is not one of ours. */
const inflatedBytesMax = 256 * 1024 * 1024;

/** The state in parts, in order. The state must not move before the last one is taken. */
export function* freeze(state: PartitionState): Generator<Buffer> {
  let part = new PartWriter(headOf(state));
  for (const job of state.jobs.values()) {
    part.addJob(job);
    if (part.isFull) {
      yield part.bytes();
      part = new PartWriter(null);
    }
  }
  yield part.bytes();
  for (const ended of state.remembered.pack(state.timeMs, endsMax)) yield bytesOf({ head: null, texts: [], jobs: [], remembered: ended });
}

/** Takes the parts in order, then gives the state. Throws whatever a part that is not ours makes the codec throw. */
export class Thaw {
  #state: PartitionState | null = null;

  add(bytes: Buffer): void {
    const inflated = inflateRawSync(bytes, { maxOutputLength: inflatedBytesMax });
    // The digest of all parts is known after the last one, and a torn count would make the codec build an array of millions.
    if (endOfAvro(frozenPartType, inflated) !== inflated.length) throw new Error('these bytes are no part of a snapshot');
    const part = frozenPartType.fromBuffer(inflated) as FrozenPart;
    if (part.head !== null) this.#state = stateOf(part.head);
    const state = this.#state;
    if (state === null) throw new Error('the first part of a snapshot has no head');
    const reader = new PartReader(part.texts, state);
    for (const job of part.jobs) state.jobs.set(job.job, reader.job(job));
    state.remembered.addPacked(part.remembered);
  }

  finish(): PartitionState {
    const state = this.#state;
    if (state === null) throw new Error('a snapshot has no parts');
    for (const { tenant } of state.jobs.values()) state.openJobsByTenant.set(tenant, (state.openJobsByTenant.get(tenant) ?? 0) + 1);
    restoreTimers(state);
    return state;
  }
}

function headOf(state: PartitionState): FrozenHead {
  const { partition, epoch, cursor, timeMs, writtenAtMs, controlOffset } = state;
  const inForce = new Set([...Object.values(state.policy.workflows), ...Object.values(state.policy.olderWorkflows)].map(workflowVersionOf));
  const others = new Map<string, string>();
  for (const job of state.jobs.values()) {
    if (inForce.has(job.workflowVersion) || others.has(job.workflowVersion)) continue;
    others.set(job.workflowVersion, JSON.stringify(job.workflow));
  }
  return { partition, epoch, cursor, timeMs, writtenAtMs, controlOffset, policy: state.policyVersion === '' ? '' : policyTextOf(state.policy), workflows: [...others.values()] };
}

function stateOf({ partition, epoch, cursor, timeMs, writtenAtMs, controlOffset, policy, workflows }: FrozenHead): PartitionState {
  const state = { ...emptyPartition(partition), epoch, cursor, timeMs, writtenAtMs, controlOffset };
  for (const text of workflows) {
    const workflow = JSON.parse(text) as Workflow;
    state.workflows.set(workflowVersionOf(workflow), workflow);
  }
  if (policy === '') return state;
  const adopted = policyOfText(policy);
  for (const [version, workflow] of adopted.workflows) state.workflows.set(version, workflow);
  return { ...state, policy: adopted.policy, policyVersion: adopted.version };
}

const nothing = Buffer.alloc(0);

function bytesOf(part: FrozenPart): Buffer {
  return deflateRawSync(frozenPartType.toBuffer(part), { level: 1 });
}

class PartWriter {
  readonly #texts: string[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #jobs: FrozenJob[] = [];
  readonly #definitions = new Map<Workflow, ReadonlyMap<string, number>>();
  /** Of what may be large, about. */
  #bytes = 0;

  constructor(private readonly head: FrozenHead | null) {}

  get isFull(): boolean {
    return this.#jobs.length >= partMax.jobs || this.#bytes >= partMax.bytes;
  }

  bytes(): Buffer {
    return bytesOf({ head: this.head, texts: this.#texts, jobs: this.#jobs, remembered: nothing });
  }

  addJob(job: JobState): void {
    const definitions = this.#definitionsOf(job.workflow);
    const steps: FrozenStep[] = [];
    for (const id in job.steps) steps.push(this.#step(job.steps[id] as StepState, definitions));
    this.#jobs.push({
      job: job.job, instance: job.instance, tenant: this.#text(job.tenant), correlation: job.correlation === job.job ? -1 : this.#text(job.correlation), onBehalfOf: this.#text(job.onBehalfOf),
      workflowVersion: this.#text(job.workflowVersion), params: this.#text(JSON.stringify(job.params)), submissionDigest: job.submissionDigest,
      acceptedOffset: job.acceptedOffset, acceptedEpoch: job.acceptedEpoch, acceptedAtMs: job.acceptedAtMs, deadlineAtMs: job.deadlineAtMs, costMicros: job.costMicros,
      steps, expanded: job.expanded.map((id) => this.#text(id)), artifacts: job.artifacts.map((artifact) => this.#artifact(artifact)),
    });
  }

  #step(step: StepState, definitions: ReadonlyMap<string, number>): FrozenStep {
    const { attempt, requestOffset, requestedAtMs, deadlineAtMs, retryAtMs, candidates, provenance, reasons } = step;
    this.#bytes += candidates.length * 256;
    return {
      id: this.#text(step.id), definition: definitions.get(step.definition.id) as number, params: this.#text(step.params), status: stepStatuses.indexOf(step.status),
      attempt, requestOffset, requestedAtMs, deadlineAtMs, retryAtMs, candidates, provenance, reasons,
    };
  }

  #artifact({ step, producer, type, contract, hash, size, inline, refs }: VerifiedArtifact): FrozenArtifact {
    this.#bytes += inline?.length ?? 0;
    return { step: this.#text(step), producer: this.#text(producer), type: this.#text(type), contract: this.#text(contract), hash, size, inline, refs };
  }

  #text(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#bytes += text.length;
    this.#indexes.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  #definitionsOf(workflow: Workflow): ReadonlyMap<string, number> {
    const known = this.#definitions.get(workflow);
    if (known !== undefined) return known;
    const made = new Map(workflow.steps.map((step, index) => [step.id, index]));
    this.#definitions.set(workflow, made);
    return made;
  }
}

class PartReader {
  readonly #params = new Map<number, Readonly<Record<string, unknown>>>();

  constructor(private readonly texts: readonly string[], private readonly state: PartitionState) {}

  job(frozen: FrozenJob): JobState {
    const workflowVersion = this.#text(frozen.workflowVersion);
    const workflow = this.state.workflows.get(workflowVersion);
    if (workflow === undefined) throw new Error(`a snapshot has a job of workflow ${workflowVersion} and not the workflow`);
    const steps: Record<string, StepState> = {};
    for (const step of frozen.steps) steps[this.#text(step.id)] = this.#step(step, workflow.steps[step.definition] as WorkflowStep);
    const { job, instance, submissionDigest, acceptedOffset, acceptedEpoch, acceptedAtMs, deadlineAtMs, costMicros } = frozen;
    return {
      job, instance, tenant: this.#text(frozen.tenant), correlation: frozen.correlation < 0 ? job : this.#text(frozen.correlation), onBehalfOf: this.#text(frozen.onBehalfOf),
      workflow, workflowVersion, params: this.#paramsOf(frozen.params), submissionDigest,
      acceptedOffset, acceptedEpoch, acceptedAtMs, deadlineAtMs,
      costMicros, steps, expanded: orNone(frozen.expanded.map((id) => this.#text(id))), artifacts: orNone(frozen.artifacts.map((artifact) => this.#artifact(artifact))),
    };
  }

  #step(frozen: FrozenStep, definition: WorkflowStep): StepState {
    const status = stepStatuses[frozen.status];
    if (status === undefined) throw new Error(`a snapshot has a step of status ${frozen.status}`);
    const { attempt, requestOffset, requestedAtMs, deadlineAtMs, retryAtMs, provenance } = frozen;
    return {
      id: this.#text(frozen.id), definition, params: this.#text(frozen.params), status, attempt, requestOffset, requestedAtMs, deadlineAtMs, retryAtMs,
      candidates: orNone(frozen.candidates), provenance, reasons: orNone(frozen.reasons),
    };
  }

  #artifact({ step, producer, type, contract, hash, size, inline, refs }: FrozenArtifact): VerifiedArtifact {
    return { step: this.#text(step), producer: this.#text(producer), type: this.#text(type), contract: this.#text(contract), hash, size, inline, refs: orNone(refs) };
  }

  #paramsOf(index: number): Readonly<Record<string, unknown>> {
    const known = this.#params.get(index);
    if (known !== undefined) return known;
    const params = JSON.parse(this.#text(index)) as Record<string, unknown>;
    this.#params.set(index, params);
    return params;
  }

  #text(index: number): string {
    const text = this.texts[index];
    if (text === undefined) throw new Error(`a snapshot names text ${index} of ${this.texts.length}`);
    return text;
  }
}

const none: readonly never[] = [];

/** Most lists are empty, and one empty list serves all. */
function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? none : list;
}
