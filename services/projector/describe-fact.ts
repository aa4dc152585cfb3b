import type { Body, Evidence, Fact, InputRef } from '../../schemas/generated/events.js';

/** What of a fact helps a person and has no column: codes, hashes, positions, limits. Bodies are named, never shown. */
export function describeFact(fact: Fact): Readonly<Record<string, unknown>> {
  switch (fact.type) {
    case 'EpochStarted': return { owner: fact.owner };
    case 'Checkpointed': return { cursor: fact.cursor, controlOffset: fact.controlOffset, restoreFrom: fact.restoreFrom, restoreEpoch: fact.restoreEpoch, timeMs: fact.timeMs, writtenAtMs: fact.writtenAtMs };
    case 'TickObserved': return { timeMs: fact.timeMs };
    case 'PolicyAdopted': return { controlOffset: fact.controlOffset };
    case 'JobAccepted': return { idempotencyKey: fact.idempotencyKey, workflow: fact.workflow, goal: fact.goal, submissionDigest: fact.submissionDigest, deadlineAtMs: fact.deadlineAtMs, costCapMicros: fact.costCapMicros };
    case 'StepRequested':
      return {
        contractOut: fact.contractOut, delivery: fact.delivery, params: fact.params, inputs: fact.inputs.map(input), deadlineAtMs: fact.deadlineAtMs,
        variation: fact.variation, capability: fact.capability,
      };
    case 'VerificationRequested':
      return {
        params: fact.params, inputs: fact.inputs.map(input), deadlineAtMs: fact.deadlineAtMs, capability: fact.capability, costMicros: fact.costMicros,
        candidates: fact.candidates.map((candidate) => ({ ...candidate, evidence: candidate.evidence.map(evidence) })),
      };
    case 'ArtifactVerified':
      return {
        artifactType: fact.artifactType, contract: fact.contract, body: body(fact.body), producer: fact.producer, verifier: fact.verifier,
        evidence: fact.evidence.map(evidence), confidence: fact.confidence, freshAtMs: fact.freshAtMs, refs: fact.refs,
      };
    case 'ArtifactRejected':
      return { artifactType: fact.artifactType, contract: fact.contract, hash: fact.hash, size: fact.size, producer: fact.producer, verifier: fact.verifier, reasons: fact.reasons };
    case 'AttemptFailed': return { reasons: fact.reasons, retryAtMs: fact.retryAtMs };
    case 'StepCompleted': return { accepted: fact.accepted, rejected: fact.rejected };
    case 'StepFailed': return { attempts: fact.attempts, escalated: fact.escalated };
    case 'PlanExpanded': return { template: fact.template, steps: fact.steps };
    case 'JobEnded': return { outcome: fact.outcome, costMicros: fact.costMicros, resultType: fact.resultType, resultContract: fact.resultContract, result: body(fact.result) };
    case 'ClaimRefused': return { claimType: fact.claimType, closesAttempt: fact.closesAttempt, detail: fact.detail };
    case 'ClaimParked': return { claimType: fact.claimType, detail: fact.detail };
    case 'ClaimDeadLettered': return {};
  }
}

function body(of: Body): Readonly<Record<string, unknown>> {
  return { hash: of.hash, size: of.size, encoding: of.encoding };
}

function input(of: InputRef): Readonly<Record<string, unknown>> {
  return { type: of.type, contract: of.contract, producerStep: of.producerStep, body: body(of.body), refs: of.refs };
}

function evidence(of: Evidence): Readonly<Record<string, unknown>> {
  return { source: of.source, reference: of.reference, position: of.position };
}
