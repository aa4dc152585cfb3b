// project(fact, where, stale) → row changes. Pure and without memory: each fact carries what its row needs, so any
// part of the log can be projected alone. Total: whatever a fact says, its row can be stored. No candidate body is
// ever in a row; a stale fact has a row and changes nothing else.

import type { Body, Fact } from '../../schemas/generated/events.js';
import { projectArtifacts } from './project-artifacts.js';
import type { AuditRow, JobChange, JobCounts, JobEnding, RecordAt, RowChanges } from './rows.js';
import { describeFact } from './describe-fact.js';
import { storableJson, storableText, textOrNull } from './storable-text.js';

const service = 'orchestrator';

/** The changes that one record of `bb.verified` makes; `stale`: it was sent under an epoch no longer in force. */
export function project(fact: Fact, at: RecordAt, stale: boolean): RowChanges {
  const audit = auditRow(fact, at, stale);
  if (stale) return { audit, job: null, artifacts: [] };
  return { audit, job: jobChange(fact, at), artifacts: projectArtifacts(fact, at) };
}

function auditRow(fact: Fact, at: RecordAt, stale: boolean): AuditRow {
  const ofJob = fact.job !== '';
  return {
    topic: at.topic, partition: at.partition, offset: at.offset, tsMs: at.appendTimeMs, stale, digest: at.digest,
    eventType: fact.type,
    node: storableText(nodeOf(fact)),
    agent: textOrNull(fact.agent),
    agentVersion: textOrNull(fact.agentVersion),
    tenant: textOrNull(fact.tenant),
    job: textOrNull(fact.job),
    instance: ofJob && fact.instance >= 0 ? fact.instance : null,
    step: textOrNull(fact.step),
    attempt: fact.attempt > 0 ? fact.attempt : null,
    model: textOrNull(fact.modelId),
    promptHash: textOrNull(fact.promptHash),
    policyVersion: textOrNull(fact.policyVersion),
    workflowVersion: textOrNull(fact.workflowVersion),
    inputHash: 'inputHash' in fact ? textOrNull(fact.inputHash) : null,
    outputHash: outputHash(fact),
    rubricScore: 'rubricScore' in fact ? fact.rubricScore : null,
    latencyMs: 'latencyMs' in fact ? fact.latencyMs : null,
    costMicros: chargedMicros(fact),
    fallbackTaken: 'fallbackTaken' in fact ? textOrNull(fact.fallbackTaken) : null,
    edgeLabel: 'edgeLabel' in fact ? textOrNull(fact.edgeLabel) : null,
    reason: 'reason' in fact ? textOrNull(fact.reason) : null,
    epoch: fact.epoch,
    cause: fact.cause,
    causation: textOrNull(fact.causation),
    correlation: textOrNull(fact.correlation),
    onBehalfOf: textOrNull(fact.onBehalfOf),
    signer: textOrNull(fact.signer),
    authentic: fact.authentic,
    trace: textOrNull(fact.trace),
    detail: storableJson(describeFact(fact)),
  };
}

/** The agent whose work the fact is about; a claim counts as an agent's work only when its signature was valid. */
function nodeOf(fact: Fact): string {
  switch (fact.type) {
    case 'ArtifactVerified':
    case 'ArtifactRejected':
      return fact.agent || fact.producer || service;
    case 'AttemptFailed':
    case 'StepCompleted':
    case 'StepFailed':
      return fact.agent || service;
    case 'ClaimRefused':
    case 'ClaimParked':
    case 'ClaimDeadLettered':
      return fact.authentic ? fact.agent || service : service;
    default:
      return service;
  }
}

/**
 * What this fact adds to its job's cost, so that rows sum up to it. A request to verify names the cost of the attempt
 * that the verdict will charge, and the terminal names the sum: both stand in `detail`.
 */
function chargedMicros(fact: Fact): number | null {
  return fact.type === 'ArtifactVerified' || fact.type === 'ArtifactRejected' || fact.type === 'AttemptFailed' || fact.type === 'StepCompleted' ? fact.costMicros : null;
}

function outputHash(fact: Fact): string | null {
  if (fact.type === 'ArtifactVerified') return textOrNull(fact.body.hash);
  if (fact.type === 'ArtifactRejected') return textOrNull(fact.hash);
  return fact.type === 'JobEnded' ? textOrNull(fact.result.hash) : null;
}

const aboutJobs: ReadonlySet<Fact['type']> = new Set([
  'JobAccepted', 'StepRequested', 'VerificationRequested', 'ArtifactVerified', 'ArtifactRejected', 'AttemptFailed', 'StepCompleted', 'StepFailed', 'PlanExpanded', 'JobEnded',
]);

/** Null for facts about a claim or a partition: what an unjudged claim says of a job must not touch that job's row. */
function jobChange(fact: Fact, at: RecordAt): JobChange | null {
  if (!aboutJobs.has(fact.type)) return null;
  return {
    job: storableText(fact.job), instance: fact.instance, partition: at.partition, tenant: storableText(fact.tenant),
    accepted: fact.type === 'JobAccepted' ? acceptance(fact, at) : null, ended: fact.type === 'JobEnded' ? ending(fact, at) : null,
    added: added(fact), lastOffset: at.offset, lastEventAtMs: at.appendTimeMs,
  };
}

function added(fact: Fact): JobCounts {
  const one = (type: Fact['type']): number => (fact.type === type ? 1 : 0);
  return {
    costMicros: chargedMicros(fact) ?? 0,
    attemptsRequested: one('StepRequested'), attemptsFailed: one('AttemptFailed'), verificationsRequested: one('VerificationRequested'),
    stepsCompleted: one('StepCompleted'), stepsFailed: one('StepFailed'), artifactsVerified: one('ArtifactVerified'), artifactsRejected: one('ArtifactRejected'),
  };
}

function acceptance(fact: Extract<Fact, { type: 'JobAccepted' }>, at: RecordAt): JobChange['accepted'] {
  return {
    workflow: storableText(fact.workflow), workflowVersion: storableText(fact.workflowVersion), policyVersion: storableText(fact.policyVersion),
    idempotencyKey: storableText(fact.idempotencyKey, 1024), submissionDigest: storableText(fact.submissionDigest),
    params: storableText(fact.params, Infinity), goal: storableText(fact.goal, 65_536),
    correlation: storableText(fact.correlation, 1024), onBehalfOf: storableText(fact.onBehalfOf, 1024), signer: storableText(fact.signer), trace: storableText(fact.trace),
    offset: at.offset, atMs: at.appendTimeMs, deadlineAtMs: fact.deadlineAtMs, costCapMicros: fact.costCapMicros,
  };
}

function ending(fact: Extract<Fact, { type: 'JobEnded' }>, at: RecordAt): JobEnding {
  return {
    outcome: storableText(fact.outcome), reason: storableText(fact.reason), offset: at.offset, atMs: at.appendTimeMs,
    latencyMs: fact.latencyMs, costMicros: fact.costMicros,
    resultType: storableText(fact.resultType), resultContract: storableText(fact.resultContract),
    resultHash: storableText(fact.result.hash), resultSize: fact.result.size, resultEncoding: storableText(fact.result.encoding),
    resultBody: inlineBytes(fact.result),
  };
}

/** The bytes of a body that rides in its fact. */
function inlineBytes(body: Body): Buffer | null {
  return body.encoding === 'inline' && body.hash !== '' ? body.bytes : null;
}
