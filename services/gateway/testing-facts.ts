// Facts for the tests of the gateway: well-formed ones of which a test names only what it is about.

import type { ArtifactRejected, AttemptFailed, Body, Checkpointed, EpochStarted, FactEnvelope, JobEnded, StepCompleted, StepRequested, VerificationRequested } from '../../schemas/generated/events.js';
import { jobId } from '../blackboard/ids.js';

interface About {
  readonly job?: string;
  readonly instance?: number;
  readonly step?: string;
  readonly attempt?: number;
  readonly atMs?: number;
}

export const testPolicy = JSON.stringify({ principals: { ingress: { role: 'ingress', agent: '', tenants: ['*'] }, researcher: { role: 'agent', agent: 'researcher', tenants: ['*'] } }, rememberMs: 60_000 });

export function jobOf(key: string): string {
  return jobId('acme', key);
}

export function stepRequested(about: About & { readonly principal?: string; readonly inputs?: readonly string[]; readonly refs?: readonly string[]; readonly expiresAtMs: number }): StepRequested {
  return {
    ...envelope(about), type: 'StepRequested', agent: 'researcher', contractOut: 'finding@1', delivery: 'reference', inlineBytesMax: 0, params: '{}',
    inputs: (about.inputs ?? []).map((hash) => ({ type: 'corpus', contract: 'corpus@1', body: body(hash), producerStep: 'collect', refs: about.refs ?? [] })),
    variation: { kind: 'none', value: '', reasons: [] }, deadlineAtMs: about.expiresAtMs, inputHash: '', edgeLabel: '',
    capability: { principal: about.principal ?? 'researcher', hashes: [], expiresAtMs: about.expiresAtMs },
  };
}

export function verificationRequested(about: About & { readonly candidates: readonly string[]; readonly refs?: readonly string[]; readonly expiresAtMs: number }): VerificationRequested {
  return {
    ...envelope(about), type: 'VerificationRequested', agent: 'verifier', params: '{}', inputs: [], deadlineAtMs: about.expiresAtMs, inputHash: '', costMicros: 0, fallbackTaken: '', edgeLabel: '',
    candidates: about.candidates.map((hash) => ({ type: 'finding', contract: 'finding@1', hash, size: 1, producer: 'researcher', refs: about.refs ?? [], confidence: 1, freshAtMs: 0, evidence: [] })),
    capability: { principal: 'verifier', hashes: about.candidates, expiresAtMs: about.expiresAtMs },
  };
}

export function rejected(about: About & { readonly hash: string; readonly producer: string }): ArtifactRejected {
  return { ...envelope(about), type: 'ArtifactRejected', artifactType: 'finding', contract: 'finding@1', hash: about.hash, size: 1, producer: about.producer, verifier: 'verifier', reason: 'x', reasons: [], rubricScore: 0, ...measured };
}

export function attemptFailed(about: About): AttemptFailed {
  return { ...envelope(about), type: 'AttemptFailed', reason: 'deadline-passed', reasons: [], retryAtMs: -1, ...measured };
}

export function stepCompleted(about: About): StepCompleted {
  return { ...envelope(about), type: 'StepCompleted', accepted: 1, rejected: 0, rubricScore: 1, ...measured };
}

export function jobEnded(about: About & { readonly hash: string }): JobEnded {
  return { ...envelope(about), type: 'JobEnded', step: '', attempt: 0, outcome: 'completed', reason: '', resultType: 'brief', resultContract: 'brief@1', forgetAtMs: 86_400_000, result: body(about.hash), latencyMs: 0, costMicros: 0, edgeLabel: '' };
}

export function checkpointed(about: { readonly timeMs: number }): Checkpointed {
  return { ...envelope({ job: '', atMs: 0 }), type: 'Checkpointed', cursor: 0, controlOffset: 0, restoreFrom: 0, restoreEpoch: 0, timeMs: about.timeMs, policy: testPolicy, writtenAtMs: 0 };
}

export function epochStarted(): EpochStarted {
  return { ...envelope({ job: '', atMs: 0 }), type: 'EpochStarted', epoch: -1, owner: 'test' };
}

const measured = { latencyMs: 0, costMicros: 0, fallbackTaken: '', edgeLabel: '' } as const;

function body(hash: string): Body {
  return { hash, size: 1, encoding: 'reference', bytes: Buffer.alloc(0) };
}

function envelope(about: About): FactEnvelope {
  return {
    step: about.step ?? 'research', agent: '', epoch: 0, cause: 5, tenant: 'acme', job: about.job ?? jobOf('one'), instance: about.instance ?? 5, attempt: about.attempt ?? 1,
    agentVersion: '', correlation: '', causation: '', onBehalfOf: '', workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: about.atMs ?? 1000, trace: '',
    authentic: true, causeDigest: Buffer.alloc(0),
  };
}
