// Facts about jobs, against what their claim said, what was requested and what was verified before them.

import type { ArtifactVerified, Claim, Fact, InputRef, JobAccepted, StepRequested, VerificationRequested } from '../../schemas/generated/events.js';
import { contentHash } from '../blackboard/ids.js';
import type { LogRecord } from '../runtime/log/port.js';
import type { BookedClaim } from './claim-book.js';
import { isKeyOf, newStepTrack, receiptsOf, type AuditContext, type JobTrack, type StepTrack } from './job-tracks.js';

/** A fact at its place, and what it is about. */
interface At {
  readonly audit: AuditContext;
  readonly record: LogRecord;
  readonly fact: Fact;
  readonly by: BookedClaim;
  readonly job: JobTrack;
}

/** Facts that say what something cost. */
const chargeTypes: ReadonlySet<Fact['type']> = new Set(['ArtifactVerified', 'ArtifactRejected', 'AttemptFailed', 'StepCompleted']);
/** Sums stop where numbers stop to be exact. */
const costMicrosMax = Number.MAX_SAFE_INTEGER - 1;

export function checkJobFact(audit: AuditContext, record: LogRecord, fact: Fact, by: BookedClaim): void {
  if (!isKeyOf(record, fact.job)) audit.report('I15', 'a fact lies under another key than its job', record, fact);
  if (fact.type === 'JobAccepted') return accepted(audit, record, fact, by);
  const job = audit.jobs.get(fact.job);
  if (job === undefined || job.instance !== fact.instance) {
    const hasEnded = audit.ended.get(fact.job)?.instance === fact.instance;
    return audit.report('I1', hasEnded ? `${fact.type} follows the end of its job` : `${fact.type} is about a job that was not accepted`, record, fact);
  }
  if (fact.tenant !== job.tenant) audit.report('I16', "a fact names another tenant than its job's", record, fact, job.record);
  if (fact.workflowVersion !== job.workflowVersion) audit.report('I17', 'a fact names another workflow than its job began with', record, fact, job.record);
  const at = { audit, record, fact, by, job };
  if (fact.type === 'JobEnded') return ended(at);
  if (chargeTypes.has(fact.type)) job.costMicros = Math.min(job.costMicros + (fact as Fact & { readonly costMicros: number }).costMicros, costMicrosMax);
  const step = job.steps.get(fact.step) ?? newStepTrack();
  job.steps.set(fact.step, step);
  switch (fact.type) {
    case 'StepRequested': return requested(at, fact, step);
    case 'VerificationRequested': return verificationRequested(at, fact, step);
    case 'ArtifactVerified': return verified(at, fact, step);
    case 'ArtifactRejected': return rejected(at, step);
    case 'AttemptFailed':
      openAttempt(at, step);
      step.open = null;
      step.retryAtMs = fact.retryAtMs;
      return;
    case 'StepCompleted':
      if (openAttempt(at, step)) inTime(at, step);
      step.open = null;
      return;
    case 'StepFailed':
      if (step.open !== null) audit.report('I7', 'a step failed with an attempt open', record, fact, step.open.record);
      return;
    default: return;
  }
}

function accepted(audit: AuditContext, record: LogRecord, fact: JobAccepted, { claim, record: cause }: BookedClaim): void {
  const open = audit.jobs.get(fact.job);
  if (open !== undefined) audit.report('I1', 'a job was accepted that is open already', record, fact, open.record);
  const before = audit.ended.get(fact.job);
  if (before !== undefined && before.forgetAtMs > fact.atMs) audit.report('I1', 'a job was accepted again whose id is still taken', record, fact);
  if (fact.instance !== fact.cause) audit.report('I17', "a job's instance is not the offset of its submission", record, fact, cause);
  if (claim?.type !== 'JobSubmitted' || claim.job !== fact.job || claim.tenant !== fact.tenant) audit.report('I4', 'a job was accepted that its claim does not submit', record, fact, cause);
  const role = audit.policies.principal(claim?.signer ?? '')?.role;
  if (role !== 'ingress' && role !== 'upstream') audit.report('I4', 'a job was accepted from a principal that may not submit', record, fact, cause);
  audit.figures.accepted += 1;
  audit.jobs.set(fact.job, { record, instance: fact.instance, tenant: fact.tenant, workflowVersion: fact.workflowVersion, deadlineAtMs: fact.deadlineAtMs, capMicros: fact.costCapMicros, costMicros: 0, steps: new Map(), artifacts: new Map() });
}

function ended({ audit, record, fact, by, job }: At): void {
  const { outcome, reason, result, forgetAtMs, costMicros } = fact as Fact & { type: 'JobEnded' };
  if (!['completed', 'failed', 'cancelled', 'degraded'].includes(outcome)) audit.report('I1', 'a job has an end that is none of the four', record, fact);
  if (outcome === 'completed' && !job.artifacts.has(result.hash)) audit.report('I3', "a job's result was never verified", record, fact, job.record);
  if (outcome === 'cancelled' && (by.claim?.type !== 'CancelRequested' || by.authentic === false)) audit.report('I4', 'a job was cancelled that nobody cancelled', record, fact, by.record);
  if (reason === 'job-deadline-passed' && by.timeMs < job.deadlineAtMs) audit.report('I11', `a job was ended at ${by.timeMs} for a deadline at ${job.deadlineAtMs}`, record, fact);
  if (costMicros !== job.costMicros) audit.report('I10', `a job is said to have cost ${costMicros} micros; its facts sum up to ${job.costMicros}`, record, fact, job.record);
  if (job.capMicros > 0 && job.costMicros > job.capMicros) audit.figures.overCap += 1;
  audit.jobs.delete(fact.job);
  audit.ended.set(fact.job, { instance: fact.instance, forgetAtMs });
  // Those whose id is free again: else a log of years would not fit into a map.
  audit.ended.dropWhile((before) => before.forgetAtMs <= by.timeMs);
  audit.figures.ended += 1;
}

function requested(at: At, fact: StepRequested, step: StepTrack): void {
  const { audit, record, job } = at;
  if (step.open !== null) audit.report('I7', `attempt ${fact.attempt} was asked for with attempt ${step.attempt} open`, record, fact, step.open.record);
  if (fact.attempt !== step.attempt + 1) audit.report('I7', `attempt ${fact.attempt} follows attempt ${step.attempt}`, record, fact);
  const definition = audit.policies.step(job.workflowVersion, fact.step);
  if (definition === null) audit.report('I17', 'a step was asked for that its workflow does not have', record, fact);
  else {
    if (fact.attempt > definition.attempts) audit.report('I18', `attempt ${fact.attempt} of ${definition.attempts}`, record, fact);
    if (fact.agent !== definition.agent) audit.report('I3', 'another agent was asked than the workflow says', record, fact);
  }
  if (fact.attempt > 1 && (step.retryAtMs < 0 || fact.atMs < step.retryAtMs)) audit.report('I18', `attempt ${fact.attempt} was asked for at ${fact.atMs}, due at ${step.retryAtMs}`, record, fact);
  checkInputs(at, fact.inputs);
  step.attempt = fact.attempt;
  step.open = { kind: 'step', record, agent: fact.agent, deadlineAtMs: fact.deadlineAtMs };
  step.candidates = new Set();
  step.receipts = new Set();
}

function checkInputs({ audit, record, fact, job }: At, inputs: readonly InputRef[]): void {
  for (const { body, producerStep } of inputs) {
    const known = job.artifacts.get(body.hash);
    if (known === undefined) audit.report('I3', `an input (${body.hash.slice(0, 12)}…) was not verified before`, record, fact, job.record);
    else if (!known.steps.has(producerStep)) audit.report('I3', 'an input is ascribed to another step than the one that produced it', record, fact);
    if (body.encoding === 'inline' && contentHash(body.bytes) !== body.hash) audit.report('I3', 'an input has other bytes than its hash', record, fact);
  }
}

function verificationRequested(at: At, fact: VerificationRequested, step: StepTrack): void {
  const { audit, record, by } = at;
  const claim = answer(at, step, 'step', 'ArtifactsProposed');
  const proposed = claim?.type === 'ArtifactsProposed' ? claim : null;
  const hashes = new Set((proposed?.artifacts ?? []).map((artifact) => artifact.body.hash));
  if (fact.candidates.some((candidate) => !hashes.has(candidate.hash))) audit.report('I3', 'a verifier is shown what the claim did not propose', record, fact, by.record);
  if (fact.candidates.some((candidate) => candidate.producer === fact.agent)) audit.report('I3', 'a producer is asked to verify its own work', record, fact);
  checkInputs(at, fact.inputs);
  step.open = { kind: 'verification', record, agent: fact.agent, deadlineAtMs: fact.deadlineAtMs };
  step.candidates = new Set(fact.candidates.map((candidate) => candidate.hash));
  step.receipts = proposed === null ? new Set() : receiptsOf(proposed);
}

function verified(at: At, fact: ArtifactVerified, step: StepTrack): void {
  const { audit, record, by, job } = at;
  const { hash } = fact.body;
  const definition = audit.policies.step(job.workflowVersion, fact.step);
  if (fact.verifier !== (definition?.verifier ?? fact.verifier)) audit.report('I3', 'an artifact was verified by another than the workflow says', record, fact);
  if (fact.verifier === '') {
    const claim = answer(at, step, 'step', 'ArtifactsProposed');
    const proposed = claim?.type === 'ArtifactsProposed' ? claim : null;
    if (!(proposed?.artifacts ?? []).some((artifact) => artifact.body.hash === hash)) audit.report('I3', 'an artifact was verified that its claim did not propose', record, fact, by.record);
    if (proposed !== null) step.receipts = receiptsOf(proposed);
  } else {
    const claim = answer(at, step, 'verification', 'VerdictsPosted');
    const verdict = claim?.type === 'VerdictsPosted' ? claim.verdicts.find((one) => one.hash === hash) : undefined;
    if (verdict?.accepted !== true || !step.candidates.has(hash)) audit.report('I3', 'an artifact was verified that its verifier was not shown or did not accept', record, fact, by.record);
    if (fact.verifier === fact.producer) audit.report('I3', 'an artifact was verified by its producer', record, fact, by.record);
    if (audit.policies.principal(claim?.signer ?? '')?.role !== 'verifier') audit.report('I4', 'a verdict counted from a principal that may not verify', record, fact, by.record);
  }
  if (fact.body.encoding === 'inline' && contentHash(fact.body.bytes) !== hash) audit.report('I3', 'a verified artifact has other bytes than its hash', record, fact);
  if (fact.agentVersion === '' || fact.signer === '') audit.report('I17', 'a verified artifact names no agent version or signer', record, fact);
  for (const { reference } of fact.evidence) if (!isGiven(job, step, reference)) audit.report('I5', `evidence (${reference.slice(0, 12)}…) is nothing that the step was given`, record, fact);
  const known = job.artifacts.get(hash);
  job.artifacts.set(hash, { steps: new Set([...(known?.steps ?? []), fact.step]), refs: [...(known?.refs ?? []), ...fact.refs] });
}

function rejected(at: At, step: StepTrack): void {
  const { audit, record, fact, by } = at;
  const { hash } = fact as Fact & { type: 'ArtifactRejected' };
  answer(at, step, 'verification', 'VerdictsPosted');
  if (!step.candidates.has(hash)) audit.report('I3', 'an artifact was rejected that was not shown', record, fact, by.record);
}

function isGiven(job: JobTrack, { receipts }: StepTrack, reference: string): boolean {
  if (receipts.has(reference) || job.artifacts.has(reference)) return true;
  for (const artifact of job.artifacts.values()) if (artifact.refs.includes(reference)) return true;
  return false;
}

/** The claim that answers the open request, or null with a finding: right kind, in time, by the one that was asked. */
function answer(at: At, step: StepTrack, kind: 'step' | 'verification', type: Claim['type']): Claim | null {
  const { audit, record, fact, by } = at;
  const { open } = step;
  if (!openAttempt(at, step)) return null;
  if (open?.kind !== kind) audit.report('I7', `${fact.type} answers no open request of its kind`, record, fact);
  inTime(at, step);
  const { claim } = by;
  if (claim?.type !== type || claim.job !== fact.job || claim.instance !== fact.instance || claim.step !== fact.step || claim.attempt !== fact.attempt) {
    audit.report('I4', `${fact.type} was not asked for by the claim that caused it`, record, fact, by.record);
    return null;
  }
  if (audit.policies.principal(claim.signer)?.agent !== open?.agent) audit.report('I4', `${fact.type} was caused by another than the agent that was asked`, record, fact, by.record);
  if ('requestOffset' in claim && claim.requestOffset !== open?.record.offset) audit.report('I4', `${fact.type} was caused by an answer to another request`, record, fact, by.record);
  if (claim.agentVersion === '' || claim.causation === '') audit.report('I17', 'an answer names no agent version or no cause', record, fact, by.record);
  return claim;
}

function openAttempt({ audit, record, fact }: At, step: StepTrack): boolean {
  if (step.open !== null && step.attempt === fact.attempt) return true;
  audit.report('I7', `${fact.type} is about attempt ${fact.attempt}, which is not open`, record, fact);
  return false;
}

/** What comes at its deadline or later changes nothing. */
function inTime({ audit, record, fact, by, job }: At, { open }: StepTrack): void {
  const deadlineAtMs = Math.min(open?.deadlineAtMs ?? Infinity, job.deadlineAtMs);
  if (by.timeMs >= deadlineAtMs) audit.report('I11', `${fact.type} counts an answer that came at ${by.timeMs}; its deadline was ${deadlineAtMs}`, record, fact, by.record);
}
