// What an admitted claim leads to. The conductor's own moves (next steps, retries, endings) are in conduct.ts.

import type { ArtifactsProposed, Claim, FailureReported, JobSubmitted, VerdictsPosted } from '../../schemas/generated/events.js';
import type { CandidateRef, ProposedArtifact } from '../../schemas/generated/events.js';
import type { JobState, StepState } from '../blackboard/board.js';
import { contentHash } from '../blackboard/ids.js';
import { addMicros } from './add-micros.js';
import { advance, completeStep, endJob, failAttempt, requestVerification } from './conduct.js';
import type { Admitted, Inspection, PlanItem } from './judge.js';
import { provenanceOf, type Turn } from './turn.js';

/** Emits the facts that an admitted claim leads to. */
export function decide(turn: Turn, claim: Claim, admitted: Admitted, inspection: Inspection): void {
  switch (admitted.admitted) {
    case 'tick': return turn.emit(null, { type: 'TickObserved', timeMs: turn.state.timeMs });
    case 'submission': return acceptJob(turn, claim as JobSubmitted, admitted);
    case 'cancellation': return endJob(turn, admitted.job, 'cancelled', 'cancel-requested');
    case 'failure': return reportFailure(turn, claim as FailureReported, admitted.job, admitted.step);
    case 'verdicts': return applyVerdicts(turn, claim as VerdictsPosted, admitted.job, admitted.step);
    case 'proposal': return propose(turn, claim as ArtifactsProposed, admitted, inspection);
  }
}

function acceptJob(turn: Turn, claim: JobSubmitted, { workflow, workflowVersion, digest }: Admitted & { admitted: 'submission' }): void {
  const { tenant, job, correlation, onBehalfOf } = claim;
  turn.emit({ tenant, job, instance: turn.cause.offset, correlation: correlation === '' ? job : correlation, onBehalfOf, workflowVersion }, {
    type: 'JobAccepted', idempotencyKey: claim.idempotencyKey, workflow: workflow.name, params: claim.params, submissionDigest: digest,
    deadlineAtMs: turn.state.timeMs + (claim.deadlineMs === 0 ? workflow.deadlineMs : claim.deadlineMs),
    costCapMicros: claim.costCapMicros === 0 ? workflow.costCapMicros : claim.costCapMicros, goal: claim.goal,
  });
  advance(turn, job);
}

function reportFailure(turn: Turn, claim: FailureReported, job: JobState, step: StepState): void {
  const verifying = step.status === 'verifying';
  failAttempt(turn, job, step, {
    reason: verifying ? 'verifier-failed' : 'agent-failed', reasons: [{ code: code(claim.code), position: -1 }], final: !verifying && !claim.retryable,
    costMicros: addMicros(claim.usage.costMicros, step.provenance?.costMicros ?? 0), fallbackTaken: claim.fallbackTaken, by: provenanceOf(claim),
  });
}

function propose(turn: Turn, claim: ArtifactsProposed, { job, step }: { job: JobState; step: StepState }, inspection: Inspection): void {
  const { definition } = step;
  if (definition.verifier !== '' && claim.artifacts.length > 0) {
    return requestVerification(turn, job, step, { candidates: claim.artifacts.map((artifact) => candidateOf(artifact, claim.agent)), claim });
  }
  const latencyMs = turn.state.timeMs - step.requestedAtMs;
  const receipts = new Set(claim.receipts.flatMap((receipt) => receipt.hashes));
  claim.artifacts.forEach((artifact, index) => {
    const byReference = artifact.body.size > turn.state.policy.inlineBytesMax && receipts.has(artifact.body.hash);
    turn.emit(job, {
      type: 'ArtifactVerified', step: step.id, agent: claim.agent, attempt: step.attempt, ...provenanceOf(claim),
      artifactType: artifact.type, contract: artifact.contract, body: byReference ? { ...artifact.body, encoding: 'reference', bytes: Buffer.alloc(0) } : artifact.body,
      producer: claim.agent, verifier: '', evidence: artifact.evidence, confidence: artifact.confidence, freshAtMs: artifact.freshAtMs, refs: artifact.refs,
      rubricScore: 1, latencyMs, costMicros: index === 0 ? claim.usage.costMicros : 0, fallbackTaken: claim.fallbackTaken, edgeLabel: `${step.id}: verified`,
    });
  });
  const items = inspection.bodies.flatMap((body): readonly PlanItem[] => body.planItems ?? []);
  completeStep(turn, job.job, step, { accepted: claim.artifacts.length, rejected: 0, rubricScore: 1, items, claim });
}

function candidateOf(artifact: ProposedArtifact, producer: string): CandidateRef {
  const { type, contract, body, refs, confidence, freshAtMs, evidence } = artifact;
  return { type, contract, hash: body.hash, size: body.size, producer, refs, confidence, freshAtMs, evidence };
}

function applyVerdicts(turn: Turn, claim: VerdictsPosted, job: JobState, step: StepState): void {
  const latencyMs = turn.state.timeMs - step.requestedAtMs;
  const made = step.provenance;
  const by = { agentVersion: made?.agentVersion ?? '', promptHash: made?.promptHash ?? '', modelId: made?.modelId ?? '' };
  const cost = addMicros(claim.usage.costMicros, made?.costMicros ?? 0);
  let accepted = 0;
  claim.verdicts.forEach((verdict, index) => {
    const candidate = step.candidates.find((other) => other.hash === verdict.hash) as CandidateRef;
    const common = {
      step: step.id, agent: step.definition.agent, attempt: step.attempt, ...by, artifactType: candidate.type, contract: candidate.contract,
      producer: candidate.producer, verifier: claim.agent, rubricScore: verdict.checksPassed / verdict.checksTotal, latencyMs,
      costMicros: index === 0 ? cost : 0, fallbackTaken: made?.fallbackTaken ?? '',
    };
    if (verdict.accepted) {
      accepted += 1;
      turn.emit(job, {
        type: 'ArtifactVerified', ...common, body: { hash: candidate.hash, size: candidate.size, encoding: 'reference', bytes: Buffer.alloc(0) },
        evidence: candidate.evidence, confidence: candidate.confidence, freshAtMs: candidate.freshAtMs, refs: candidate.refs, edgeLabel: `${step.id}: verified by ${claim.agent}`,
      });
    } else {
      turn.emit(job, { type: 'ArtifactRejected', ...common, hash: candidate.hash, size: candidate.size, reason: code(verdict.reason), reasons: verdict.reasons.map((reason) => ({ ...reason, code: code(reason.code) })), edgeLabel: `${step.id}: rejected by ${claim.agent}` });
    }
  });
  const rejected = claim.verdicts.length - accepted;
  const rubricScore = claim.verdicts.reduce((sum, verdict) => sum + verdict.checksPassed / verdict.checksTotal, 0) / Math.max(1, claim.verdicts.length);
  if (accepted >= step.definition.acceptedMin) return completeStep(turn, job.job, step, { accepted, rejected, rubricScore, items: [], claim });
  const reasons = claim.verdicts.filter((verdict) => !verdict.accepted).flatMap((verdict) => (verdict.reasons.length > 0 ? verdict.reasons : [{ code: verdict.reason, position: -1 }]));
  failAttempt(turn, job, step, { reason: 'candidates-rejected', reasons: reasons.slice(0, 64).map((reason) => ({ ...reason, code: code(reason.code) })), final: false, costMicros: 0, fallbackTaken: '', by });
}

/** Codes come from other services: nothing but a code gets through, so that a reason cannot carry text into a prompt. */
function code(text: string): string {
  return /^[a-z0-9-]{1,64}$/.test(text) ? text : `unnamed-${contentHash(text).slice(0, 8)}`;
}
