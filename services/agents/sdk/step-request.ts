// What an agent sees of the fact that asks it. Pure.

import type { StepRequested, VerificationRequested } from '../../../schemas/generated/events.js';
import type { Evidence, StepRequest } from './agent.js';

export type Request = StepRequested | VerificationRequested;

/** @throws SyntaxError when `params` is not JSON, which the orchestrator never writes. */
export function stepRequestOf(fact: Request): StepRequest {
  const isStep = fact.type === 'StepRequested';
  return {
    kind: isStep ? 'step' : 'verification',
    tenant: fact.tenant, job: fact.job, instance: fact.instance, step: fact.step, attempt: fact.attempt, agent: fact.agent,
    deadlineAtMs: fact.deadlineAtMs, requestedAtMs: fact.atMs,
    contractOut: isStep ? fact.contractOut : '',
    params: JSON.parse(fact.params === '' ? '{}' : fact.params) as Record<string, unknown>,
    inputs: fact.inputs.map((input) => ({
      type: input.type, contract: input.contract, hash: input.body.hash, producerStep: input.producerStep, refs: input.refs,
      inline: input.body.encoding === 'inline' ? input.body.bytes : null,
    })),
    variation: isStep ? { kind: fact.variation.kind as 'none', value: fact.variation.value, reasons: fact.variation.reasons } : { kind: 'none', value: '', reasons: [] },
    candidates: isStep ? [] : fact.candidates.map((candidate) => ({ ...candidate, evidence: candidate.evidence as readonly Evidence[] })),
  };
}
