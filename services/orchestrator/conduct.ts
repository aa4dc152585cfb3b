// The conductor: requests the steps whose turn it is, retries with a variation, expands plans, joins, ends jobs.

import type { CandidateRef, Claim, ArtifactsProposed, InputRef, Reason, VariationRecord } from '../../schemas/generated/events.js';
import type { JobState, StepState, VerifiedArtifact } from '../blackboard/board.js';
import { canonicalJson, contentHash } from '../blackboard/ids.js';
import type { WorkflowStep } from '../blackboard/workflow.js';
import { longMax } from './add-micros.js';
import { nextDueMs, stepDueMs, stepParams } from './evolve.js';
import type { PlanItem } from './judge.js';
import { provenanceOf, type Turn } from './turn.js';

const noVariation: VariationRecord = { kind: 'none', value: '', reasons: [] };
const noBody = { hash: '', size: 0, encoding: 'inline', bytes: Buffer.alloc(0) } as const;

/** Requests every step whose turn it is; ends the job when all are settled. */
export function advance(turn: Turn, jobId: string): void {
  for (const step of Object.values(turn.job(jobId)?.steps ?? {})) {
    const job = turn.job(jobId);
    if (job !== undefined && step.status === 'waiting' && step.definition.after.every((other) => isSettled(job, other))) requestStep(turn, job, step);
  }
  const job = turn.job(jobId);
  if (job === undefined || !job.workflow.steps.every((step) => isSettled(job, step.id))) return;
  const result = job.artifacts.find((artifact) => artifact.step === job.workflow.result);
  if (result === undefined) endJob(turn, job, 'failed', 'step-failed');
  else endJob(turn, job, 'completed', '', result);
}

/** Whether a step, or every step made from a template, has come to its end. */
function isSettled(job: JobState, id: string): boolean {
  const definition = job.workflow.steps.find((step) => step.id === id) as WorkflowStep;
  if (definition.expandsFrom === '') return isOver(job.steps[id]);
  if (!job.expanded.includes(id)) return job.steps[definition.expandsFrom]?.status === 'failed';
  return Object.values(job.steps).every((step) => step.definition.id !== id || isOver(step));
}

function isOver(step: StepState | undefined): boolean {
  return step !== undefined && (step.status === 'completed' || step.status === 'failed');
}

/**
 * What is asked for counts from when the agent can see it. The partition's time is that of the claims: behind a backlog
 * the first request would be overdue, and all its attempts spent, before anybody had read it.
 */
function deadlineOf(turn: Turn, job: JobState, withinMs: number): number {
  return Math.min(Math.max(turn.state.timeMs, turn.state.writtenAtMs) + withinMs, job.deadlineAtMs);
}

/** Asks the agent for the next attempt of a step. A retry differs from the attempt before it. */
export function requestStep(turn: Turn, job: JobState, step: StepState): void {
  const { definition } = step;
  const attempt = step.attempt + 1;
  const inputs = inputsOf(job, definition.inputs);
  const variation = attempt === 1 ? noVariation : variationOf(definition, attempt, step.reasons);
  const deadlineAtMs = deadlineOf(turn, job, definition.deadlineMs);
  turn.emit(job, {
    type: 'StepRequested', step: step.id, agent: definition.agent, attempt,
    contractOut: definition.contract, delivery: definition.verifier === '' ? 'inline' : 'reference', inlineBytesMax: turn.state.policy.inlineBytesMax,
    params: step.params, inputs, variation, deadlineAtMs, capability: capability(definition.agent, inputs, [], deadlineAtMs),
    inputHash: inputHash(step.params, inputs, variation), edgeLabel: attempt === 1 ? `${definition.after.join('+') || 'start'} → ${step.id}` : `${step.id}: attempt ${attempt} (${variation.kind} ${variation.value})`,
  });
}

/** Asks the independent verifier to look at an attempt's candidates. */
export function requestVerification(turn: Turn, job: JobState, step: StepState, { candidates, claim }: { candidates: readonly CandidateRef[]; claim: ArtifactsProposed }): void {
  const { definition } = step;
  const inputs = inputsOf(job, definition.verifierInputs);
  const deadlineAtMs = deadlineOf(turn, job, definition.verificationDeadlineMs);
  turn.emit(job, {
    type: 'VerificationRequested', step: step.id, agent: definition.verifier, attempt: step.attempt, ...provenanceOf(claim),
    params: step.params, inputs, candidates, deadlineAtMs, capability: capability(definition.verifier, inputs, candidates, deadlineAtMs),
    inputHash: contentHash(candidates.map((candidate) => candidate.hash).join(',')), edgeLabel: `${step.id} → ${definition.verifier}`,
    costMicros: claim.usage.costMicros, fallbackTaken: claim.fallbackTaken,
  });
}

interface Completion {
  readonly accepted: number;
  readonly rejected: number;
  readonly rubricScore: number;
  readonly items: readonly PlanItem[];
  readonly claim: Claim & { readonly fallbackTaken: string; readonly usage: { readonly costMicros: number } };
}

/** Closes a step with its verified output, expands what hangs on its plan, and moves on. */
export function completeStep(turn: Turn, jobId: string, step: StepState, { accepted, rejected, rubricScore, items, claim }: Completion): void {
  const before = turn.job(jobId);
  if (before === undefined) return;
  turn.emit(before, {
    type: 'StepCompleted', step: step.id, agent: step.definition.agent, attempt: step.attempt, accepted, rejected, rubricScore,
    latencyMs: turn.state.timeMs - step.requestedAtMs, costMicros: 0, fallbackTaken: claim.fallbackTaken, edgeLabel: `${step.id}: completed`,
  });
  for (const template of before.workflow.steps.filter((other) => other.expandsFrom === step.id)) {
    const own = stepParams(template, before.params);
    const steps = items.slice(0, template.expandMax).map((item, index) => ({
      step: `${template.id}/${index + 1}`, agent: template.agent,
      params: canonicalJson({ ...own, ...item.params, id: item.id }),
    }));
    turn.emit(before, { type: 'PlanExpanded', step: step.id, agent: step.definition.agent, template: template.id, steps, edgeLabel: `${step.id} → ${template.id} × ${steps.length}` });
  }
  advance(turn, jobId);
}

interface AttemptFailure {
  readonly reason: string;
  readonly reasons: readonly Reason[];
  /** No further attempt, whatever is left. */
  readonly final: boolean;
  readonly costMicros: number;
  readonly fallbackTaken: string;
  readonly by: { readonly agentVersion: string; readonly promptHash: string; readonly modelId: string };
}

/** Closes an attempt without a result: the next one at once or after its backoff, or the step has failed. */
export function failAttempt(turn: Turn, job: JobState, step: StepState, failure: AttemptFailure): void {
  const { definition } = step;
  const left = !failure.final && step.attempt < definition.attempts;
  const retryAtMs = left ? Math.min(turn.state.timeMs + definition.backoffMs * 2 ** (step.attempt - 1), longMax) : -1;
  turn.emit(job, {
    type: 'AttemptFailed', step: step.id, agent: definition.agent, attempt: step.attempt, ...failure.by, reason: failure.reason, reasons: failure.reasons, retryAtMs,
    latencyMs: turn.state.timeMs - step.requestedAtMs, costMicros: failure.costMicros, fallbackTaken: failure.fallbackTaken, edgeLabel: `${step.id}: ${failure.reason}`,
  });
  const after = turn.job(job.job);
  const failed = after?.steps[step.id];
  if (after === undefined || failed === undefined) return;
  if (left) {
    if (retryAtMs <= turn.state.timeMs) requestStep(turn, after, failed);
    return;
  }
  turn.emit(after, {
    type: 'StepFailed', step: step.id, agent: definition.agent, attempt: step.attempt, reason: failure.reason, attempts: step.attempt,
    escalated: definition.required, latencyMs: turn.state.timeMs - step.requestedAtMs, edgeLabel: definition.required ? `${step.id}: escalated` : `${step.id}: failed, not required`,
  });
  const settled = turn.job(job.job);
  if (settled === undefined) return;
  if (definition.required) endJob(turn, settled, 'failed', 'step-failed');
  else advance(turn, job.job);
}

/** The one terminal of a job. */
export function endJob(turn: Turn, job: JobState, outcome: 'completed' | 'failed' | 'cancelled' | 'degraded', reason: string, result?: VerifiedArtifact): void {
  turn.emit(job, {
    type: 'JobEnded', outcome, reason, resultType: result?.type ?? '', resultContract: result?.contract ?? '', result: result === undefined ? noBody : bodyOf(result),
    forgetAtMs: turn.state.timeMs + turn.state.policy.rememberMs, latencyMs: turn.state.timeMs - job.acceptedAtMs, costMicros: job.costMicros, edgeLabel: `${reason === '' ? job.workflow.result : reason} → ${outcome}`,
  });
}

/** Does all that is due for one job at the partition's time. */
export function fireTimers(turn: Turn, jobId: string): void {
  while (fireNext(turn, jobId));
}

/** Does the next thing that is due for one job at the partition's time; false: nothing is. */
export function fireNext(turn: Turn, jobId: string): boolean {
  const job = turn.job(jobId);
  if (job === undefined || nextDueMs(job) > turn.state.timeMs) return false;
  if (job.deadlineAtMs <= turn.state.timeMs) {
    endJob(turn, job, 'failed', 'job-deadline-passed');
    return true;
  }
  const step = Object.values(job.steps).find((other) => stepDueMs(other) <= turn.state.timeMs) as StepState;
  if (step.status === 'backoff') requestStep(turn, job, step);
  else {
    failAttempt(turn, job, step, {
      reason: step.status === 'verifying' ? 'verification-deadline-passed' : 'deadline-passed', reasons: [], final: false,
      costMicros: step.provenance?.costMicros ?? 0, fallbackTaken: step.provenance?.fallbackTaken ?? '', by: { agentVersion: '', promptHash: '', modelId: '' },
    });
  }
  return true;
}

function inputsOf(job: JobState, templates: readonly string[]): readonly InputRef[] {
  return job.artifacts.filter((artifact) => templates.includes(job.steps[artifact.step]?.definition.id ?? ''))
    .map((artifact) => ({ type: artifact.type, contract: artifact.contract, body: bodyOf(artifact), producerStep: artifact.step, refs: artifact.refs }));
}

function bodyOf(artifact: VerifiedArtifact): InputRef['body'] {
  const { hash, size, inline } = artifact;
  return inline === null ? { hash, size, encoding: 'reference', bytes: Buffer.alloc(0) } : { hash, size, encoding: 'inline', bytes: inline };
}

function capability(principal: string, inputs: readonly InputRef[], candidates: readonly CandidateRef[], expiresAtMs: number): { principal: string; hashes: readonly string[]; expiresAtMs: number } {
  const byReference = inputs.filter((input) => input.body.encoding === 'reference').map((input) => input.body.hash);
  return { principal, hashes: [...byReference, ...candidates.map((candidate) => candidate.hash)], expiresAtMs };
}

function variationOf(definition: WorkflowStep, attempt: number, reasons: readonly Reason[]): VariationRecord {
  const named = definition.variations[Math.min(attempt - 2, definition.variations.length - 1)];
  const repeated = attempt - 2 >= definition.variations.length;
  return { kind: named?.kind ?? 'constraint', value: named === undefined ? `attempt-${attempt}` : repeated ? `${named.value} #${attempt}` : named.value, reasons };
}

function inputHash(params: string, inputs: readonly InputRef[], variation: VariationRecord): string {
  return contentHash(canonicalJson([params, inputs.map((input) => input.body.hash), variation]));
}
