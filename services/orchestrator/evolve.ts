// The fold: facts in, state out. Total: an illegal transition is ignored by rule, and facts about jobs whose
// beginning lies before the point of restore are too. Nothing here reads anything but the fact and the state.

import TinyQueue from 'tinyqueue';
import type { Checkpointed, Fact, JobAccepted, JobEnded } from '../../schemas/generated/events.js';
import type { JobState, PartitionState, StepState, StepStatus, Timer, VerifiedArtifact } from '../blackboard/board.js';
import { policyDefaults, type Policy } from '../blackboard/policy.js';
import { policyOfText } from '../blackboard/policy-version.js';
import { RememberedJobs } from '../blackboard/remembered-jobs.js';
import type { Workflow, WorkflowStep } from '../blackboard/workflow.js';
import { addMicros } from './add-micros.js';

/** A step's legal transitions; what is not here does not happen. */
export const stepTransitions: Readonly<Record<StepStatus, Readonly<Partial<Record<Fact['type'], StepStatus>>>>> = {
  waiting: { StepRequested: 'working' },
  working: { VerificationRequested: 'verifying', AttemptFailed: 'backoff', StepCompleted: 'completed' },
  verifying: { AttemptFailed: 'backoff', StepCompleted: 'completed' },
  backoff: { StepRequested: 'working', StepFailed: 'failed' },
  completed: {},
  failed: {},
};

/** Most lists of most jobs are empty: one serves all of them, and a hundred thousand open jobs need tens of megabytes less. */
const none: readonly never[] = Object.freeze([]);
const forgotten: Workflow = { name: '', description: '', deadlineMs: 1, costCapMicros: 0, steps: [], result: '' };
const noPolicy: Policy = { workflows: {}, olderWorkflows: {}, principals: {}, ...policyDefaults };

export function emptyPartition(partition: number): PartitionState {
  return {
    partition, epoch: -1, cursor: -1, timeMs: 0, writtenAtMs: 0, controlOffset: -1, policy: noPolicy, policyVersion: '',
    workflows: new Map(), jobs: new Map(), remembered: new RememberedJobs(), openJobsByTenant: new Map(), timers: new TinyQueue<Timer>([], earlierTimer),
  };
}

/** Folds one fact that counts, at its offset on verified. Moves `state` and returns it. */
export function evolve(state: PartitionState, fact: Fact, offset: number): PartitionState {
  if (fact.cause > state.cursor) state.cursor = fact.cause;
  if (fact.atMs > state.timeMs) state.timeMs = fact.atMs;
  switch (fact.type) {
    case 'EpochStarted': state.epoch = offset; break;
    case 'Checkpointed':
      state.cursor = Math.max(state.cursor, fact.cursor);
      state.timeMs = Math.max(state.timeMs, fact.timeMs);
      state.writtenAtMs = fact.writtenAtMs;
      adopt(state, fact.policy, fact.controlOffset);
      break;
    case 'PolicyAdopted': adopt(state, fact.policy, fact.controlOffset); break;
    case 'JobAccepted': accept(state, fact, offset); break;
    case 'JobEnded': end(state, fact); break;
    default: {
      const job = state.jobs.get(fact.job);
      if (job !== undefined && job.instance === fact.instance) replaceJob(state, evolveJob(job, fact, offset));
    }
  }
  return state;
}

/** Puts a changed job in place and notes when it wants to be looked at next. */
function replaceJob(state: PartitionState, job: JobState): void {
  const before = state.jobs.get(job.job);
  if (before === job) return;
  state.jobs.set(job.job, job);
  const atMs = nextDueMs(job);
  if (before === undefined || nextDueMs(before) !== atMs) state.timers.push({ atMs, job: job.job });
}

function evolveJob(job: JobState, fact: Fact, offset: number): JobState {
  switch (fact.type) {
    case 'PlanExpanded': {
      const template = job.workflow.steps.find((step) => step.id === fact.template);
      if (template === undefined || job.expanded.includes(fact.template)) return job;
      const added = Object.fromEntries(fact.steps.map((step) => [step.step, newStep(step.step, template, step.params)]));
      return jobWith(job, job.costMicros, { ...job.steps, ...added }, [...job.expanded, fact.template], job.artifacts);
    }
    case 'ArtifactVerified': {
      if (job.steps[fact.step]?.attempt !== fact.attempt) return job;
      const inline = fact.body.encoding === 'inline' ? Buffer.from(fact.body.bytes) : null;
      const artifact = { step: fact.step, producer: fact.producer, type: fact.artifactType, contract: fact.contract, hash: fact.body.hash, size: fact.body.size, inline, refs: fact.refs };
      return jobWith(job, addMicros(job.costMicros, fact.costMicros), job.steps, job.expanded, [...job.artifacts, artifact]);
    }
    case 'ArtifactRejected':
      // What was rejected was paid for, too.
      return job.steps[fact.step]?.attempt === fact.attempt ? jobWith(job, addMicros(job.costMicros, fact.costMicros), job.steps, job.expanded, job.artifacts) : job;
    case 'StepRequested': case 'VerificationRequested': case 'AttemptFailed': case 'StepCompleted': case 'StepFailed': {
      const step = job.steps[fact.step];
      const status = step === undefined ? undefined : stepTransitions[step.status][fact.type];
      if (step === undefined || status === undefined) return job;
      const costMicros = fact.type === 'AttemptFailed' ? addMicros(job.costMicros, fact.costMicros) : job.costMicros;
      const steps = { ...job.steps };
      steps[step.id] = evolveStep(step, status, fact, offset);
      return jobWith(job, costMicros, steps, job.expanded, job.artifacts);
    }
    default: return job;
  }
}

function evolveStep({ id, definition, params, attempt, requestedAtMs, deadlineAtMs, retryAtMs, reasons }: StepState, status: StepStatus, fact: Fact, offset: number): StepState {
  switch (fact.type) {
    case 'StepRequested':
      return { id, definition, params, status, attempt: fact.attempt, requestOffset: offset, requestedAtMs: fact.atMs, deadlineAtMs: fact.deadlineAtMs, retryAtMs: -1, candidates: none, provenance: null, reasons };
    case 'VerificationRequested': {
      const { agentVersion, promptHash, modelId, costMicros, fallbackTaken } = fact;
      const provenance = { agentVersion, promptHash, modelId, costMicros, fallbackTaken };
      return { id, definition, params, status, attempt, requestOffset: offset, requestedAtMs, deadlineAtMs: fact.deadlineAtMs, retryAtMs, candidates: fact.candidates, provenance, reasons };
    }
    case 'AttemptFailed':
      return { id, definition, params, status, attempt, requestOffset: -1, requestedAtMs, deadlineAtMs, retryAtMs: fact.retryAtMs, candidates: none, provenance: null, reasons: fact.reasons };
    default:
      return { id, definition, params, status, attempt, requestOffset: -1, requestedAtMs, deadlineAtMs, retryAtMs, candidates: none, provenance: null, reasons };
  }
}

/** A copy with what facts can change of a job. Written out, as steps are above: a spread takes several times as long. */
function jobWith(
  { job, instance, tenant, correlation, onBehalfOf, workflow, workflowVersion, params, submissionDigest, acceptedOffset, acceptedEpoch, acceptedAtMs, deadlineAtMs }: JobState,
  costMicros: number, steps: JobState['steps'], expanded: readonly string[], artifacts: readonly VerifiedArtifact[],
): JobState {
  return { job, instance, tenant, correlation, onBehalfOf, workflow, workflowVersion, params, submissionDigest, acceptedOffset, acceptedEpoch, acceptedAtMs, deadlineAtMs, costMicros, steps, expanded, artifacts };
}

function accept(state: PartitionState, fact: JobAccepted, offset: number): void {
  // Not known: the job had ended before the checkpoint that the policy is from; only its end matters here.
  const workflow = state.workflows.get(fact.workflowVersion) ?? { ...forgotten, name: fact.workflow };
  if (state.jobs.has(fact.job)) return;
  const params = JSON.parse(fact.params) as Record<string, unknown>;
  const steps = Object.fromEntries(workflow.steps.filter((step) => step.expandsFrom === '').map((step) => [step.id, newStep(step.id, step, JSON.stringify(stepParams(step, params)))]));
  state.remembered.delete(fact.job);
  state.openJobsByTenant.set(fact.tenant, (state.openJobsByTenant.get(fact.tenant) ?? 0) + 1);
  replaceJob(state, {
    job: fact.job, instance: fact.instance, tenant: fact.tenant, correlation: fact.correlation === fact.job ? fact.job : fact.correlation, onBehalfOf: fact.onBehalfOf,
    workflow, workflowVersion: fact.workflowVersion, params, submissionDigest: fact.submissionDigest,
    acceptedOffset: offset, acceptedEpoch: fact.epoch, acceptedAtMs: fact.atMs, deadlineAtMs: fact.deadlineAtMs,
    costMicros: 0, steps, expanded: none, artifacts: none,
  });
}

function end(state: PartitionState, fact: JobEnded): void {
  const job = state.jobs.get(fact.job);
  if (job === undefined || job.instance !== fact.instance) return;
  state.jobs.delete(job.job);
  const open = (state.openJobsByTenant.get(job.tenant) ?? 1) - 1;
  // Tenants may be as many as jobs, and come once.
  if (open === 0) state.openJobsByTenant.delete(job.tenant);
  else state.openJobsByTenant.set(job.tenant, open);
  const { submissionDigest, acceptedOffset, acceptedEpoch } = job;
  state.remembered.set({ job: job.job, submissionDigest, acceptedOffset, acceptedEpoch, forgetAtMs: fact.forgetAtMs });
  state.remembered.sweep(state.timeMs);
  if (state.timers.length > staleTimersMax + 8 * state.jobs.size) restoreTimers(state);
}

/** Entries that no longer hold may pile up to this: a job leaves some, and they would stay until their time comes. */
const staleTimersMax = 4096;

/** Puts the one timer of each open job into the heap, and nothing else. */
export function restoreTimers({ timers, jobs }: PartitionState): void {
  timers.data.length = 0;
  timers.length = 0;
  for (const job of jobs.values()) timers.push({ atMs: nextDueMs(job), job: job.job });
}

/** Puts a later checkpoint's policy in place before folding what came earlier, so that its jobs find their workflows. */
export function seedPolicy(state: PartitionState, checkpoint: Checkpointed): void {
  adopt(state, checkpoint.policy, -1);
}

function adopt(state: PartitionState, policyJson: string, controlOffset: number): void {
  const { policy, version, workflows } = policyOfText(policyJson);
  state.policy = policy;
  state.policyVersion = version;
  state.controlOffset = Math.max(state.controlOffset, controlOffset);
  for (const [workflowVersion, workflow] of workflows) state.workflows.set(workflowVersion, workflow);
}

/** When a job wants to be looked at next: its deadline, that of an open request, or the end of a backoff. */
export function nextDueMs(job: JobState): number {
  let due = job.deadlineAtMs;
  for (const id in job.steps) {
    const at = stepDueMs(job.steps[id] as StepState);
    if (at < due) due = at;
  }
  return due;
}

export function stepDueMs(step: StepState): number {
  if (step.status === 'working' || step.status === 'verifying') return step.deadlineAtMs;
  return step.status === 'backoff' && step.retryAtMs >= 0 ? step.retryAtMs : Infinity;
}

function newStep(id: string, definition: WorkflowStep, params: string): StepState {
  return { id, definition, params, status: 'waiting', attempt: 0, requestOffset: -1, requestedAtMs: 0, deadlineAtMs: 0, retryAtMs: -1, candidates: none, provenance: null, reasons: none };
}

/** A step's parameters: its own, then those of the job that it names. */
export function stepParams(step: WorkflowStep, job: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...step.params, ...Object.fromEntries(step.jobParams.map((name) => name.replace(/\?$/, '')).filter((name) => Object.hasOwn(job, name)).map((name) => [name, job[name]])) };
}

function earlierTimer(a: Timer, b: Timer): number {
  return a.atMs - b.atMs || (a.job < b.job ? -1 : a.job > b.job ? 1 : 0);
}
