// The claims that answer a request: pure, so that what an agent's outcome becomes can be read in one place. Free
// text never leaves an agent by a code, a model id or an artifact's type: the gate would refuse the whole claim.

import type { ArtifactsProposed, Claim, FailureReported, ProposedArtifact as ArtifactRecord, Receipt, Usage, VerdictsPosted } from '../../../schemas/generated/events.js';
import { contentHash, coordinate } from '../../blackboard/ids.js';
import type { Agent, ProposedArtifact, Verdict } from './agent.js';
import type { Request } from './step-request.js';

/** What the run used, summed over its model calls. */
export interface Spent {
  readonly usage: Usage;
  readonly fallbackTaken: string;
  readonly modelId: string;
  readonly receipts: readonly Receipt[];
}

/** A request at its place, and who answers it when. */
export interface Answering {
  readonly request: Request;
  readonly partition: number;
  readonly offset: number;
  readonly agent: Agent;
  /** `principal#keyId`. */
  readonly signer: string;
  readonly nowMs: number;
  readonly trace: string;
}

export function failureClaim(answering: Answering, spent: Spent, failure: { readonly code: string; readonly retryable: boolean }): FailureReported {
  const code = /^[a-z][a-z0-9-]{0,63}$/.test(failure.code) ? failure.code : 'unnamed-failure';
  return { type: 'FailureReported', ...envelope(answering, spent), requestOffset: answering.offset, code, retryable: failure.retryable, usage: spent.usage, fallbackTaken: token(spent.fallbackTaken), signature: empty };
}

export function verdictsClaim(answering: Answering, spent: Spent, verdicts: readonly Verdict[]): VerdictsPosted {
  return {
    type: 'VerdictsPosted', ...envelope(answering, spent), requestOffset: answering.offset,
    verdicts: verdicts.map((verdict) => ({ ...verdict, reasons: verdict.reasons ?? [] })),
    usage: spent.usage, fallbackTaken: token(spent.fallbackTaken), signature: empty,
  };
}

export function artifactsClaim(answering: Answering, spent: Spent, artifacts: readonly ProposedArtifact[]): ArtifactsProposed {
  const { request } = answering;
  const contract = request.type === 'StepRequested' ? request.contractOut : '';
  const isByReference = request.type === 'StepRequested' && request.delivery === 'reference';
  return {
    type: 'ArtifactsProposed', ...envelope(answering, spent), requestOffset: answering.offset,
    artifacts: artifacts.map((artifact): ArtifactRecord => ({
      type: artifact.type, contract,
      body: {
        hash: contentHash(artifact.body), size: artifact.body.byteLength,
        encoding: isByReference ? 'reference' : 'inline',
        bytes: isByReference ? empty : Buffer.from(artifact.body.buffer, artifact.body.byteOffset, artifact.body.byteLength),
      },
      evidence: artifact.evidence, confidence: artifact.confidence, freshAtMs: artifact.freshAtMs, refs: artifact.refs ?? [],
    })),
    receipts: spent.receipts, usage: spent.usage, fallbackTaken: token(spent.fallbackTaken), signature: empty,
  };
}

/**
 * Bodies that must be put through the gateway before the claim: all of them when an independent verifier must see
 * them, otherwise those that are too large to ride in later requests (the gate itself sees them inline).
 */
export function bodiesToPut(request: Request, artifacts: readonly ProposedArtifact[]): readonly Uint8Array[] {
  if (request.type !== 'StepRequested') return [];
  return artifacts.map((artifact) => artifact.body).filter((body) => request.delivery === 'reference' || body.byteLength > request.inlineBytesMax);
}

const empty = Buffer.alloc(0);

function envelope({ request, partition, offset, agent, signer, nowMs, trace }: Answering, spent: Spent): Omit<Claim, 'type' | 'signature'> {
  return {
    step: request.step, agent: agent.name, epoch: -1, cause: -1, tenant: request.tenant, job: request.job, instance: request.instance, attempt: request.attempt,
    agentVersion: token(agent.version), correlation: request.correlation, causation: coordinate('v', partition, offset), onBehalfOf: request.onBehalfOf,
    workflowVersion: request.workflowVersion, policyVersion: request.policyVersion, promptHash: token(agent.promptHash), modelId: token(spent.modelId),
    signer, atMs: nowMs, trace: trace === '' ? request.trace : trace,
  };
}

/** The gate takes letters, digits and a few marks; anything else becomes `_`. */
function token(text: string): string {
  return text.replace(/[^\w.:/@+-]/g, '_').slice(0, 128);
}
