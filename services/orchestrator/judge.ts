// The gate: may this claim become a fact? Pure: what needs keys, contracts or a partitioner was found out before
// and is handed in as an Inspection. Authenticity comes first, so that an unauthentic claim can close nothing (R12).

import type { ArtifactsProposed, Claim, JobSubmitted, VerdictsPosted, FailureReported, CancelRequested } from '../../schemas/generated/events.js';
import type { JobState, PartitionState, StepState } from '../blackboard/board.js';
import { isJobId, jobId } from '../blackboard/ids.js';
import type { PrincipalPolicy } from '../blackboard/policy.js';
import { refusals, type Refusal } from '../blackboard/reasons.js';
import { submissionDigest } from '../blackboard/submission.js';
import { jobDeadlineMsMax, type Workflow } from '../blackboard/workflow.js';
import { workflowVersionOf } from '../blackboard/policy-version.js';

/** What was found out about a claim outside of the verbs; replay takes the first two from what was recorded. */
export interface Inspection {
  /** The signature is the named signer's over exactly these bytes. */
  readonly authentic: boolean;
  /** Every receipt in the claim bears the gateway's signature for this principal and attempt. */
  readonly receiptsValid: boolean;
  /** Key and partition are those that the job id asks for. */
  readonly routed: boolean;
  /** Per proposed artifact. */
  readonly bodies: readonly BodyCheck[];
}

export interface BodyCheck {
  /** The inline bytes have the hash and size that the claim names; true for a reference. */
  readonly hashMatches: boolean;
  /** Null: keeps its contract, or goes by reference. Otherwise the field and rule that it breaks. */
  readonly violation: string | null;
  /** Items of a plan, for contracts that make one. */
  readonly planItems: readonly PlanItem[] | null;
  readonly evidenceRequired: boolean;
}

export interface PlanItem {
  readonly id: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export type Admitted =
  | { readonly admitted: 'submission'; readonly workflow: Workflow; readonly workflowVersion: string; readonly digest: string }
  | { readonly admitted: 'proposal' | 'failure' | 'verdicts'; readonly job: JobState; readonly step: StepState }
  | { readonly admitted: 'cancellation'; readonly job: JobState }
  | { readonly admitted: 'tick' };

export interface Refused {
  readonly refused: Refusal;
  /** Field and rule; never quotes the claim. */
  readonly detail: string;
  /** Set where the refusal closes the open attempt of that job and step. */
  readonly closes: { readonly job: JobState; readonly step: StepState } | null;
}

export type Judgement = Admitted | Refused;

const signableBy: Readonly<Record<Claim['type'], readonly string[]>> = {
  JobSubmitted: ['ingress', 'upstream'], CancelRequested: ['ingress', 'upstream'],
  ArtifactsProposed: ['agent', 'verifier'], FailureReported: ['agent', 'verifier'], VerdictsPosted: ['verifier'], Tick: ['orchestrator'],
};

/** Judges a claim that lies at `offset` of the partition's quarantine, at the partition's time. */
export function judge(claim: Claim, inspection: Inspection, state: PartitionState): Judgement {
  const principal = principalOf(claim, state);
  if (principal === null) return refuse('unknown-principal');
  if (!inspection.authentic) return refuse('bad-signature');
  if (!signableBy[claim.type].includes(principal.role)) return refuse('wrong-role');
  if (claim.type === 'Tick') return { admitted: 'tick' };
  const broken = envelopeRule(claim);
  if (broken !== null) return refuse('malformed-claim', broken);
  const agentClaim = principal.role === 'agent' || principal.role === 'verifier';
  if (!agentClaim && !speaksFor(principal, claim.tenant)) return refuse('foreign-tenant');
  if (!isJobId(claim.job)) return refuse('malformed-claim', 'job: 32 hex digits');
  if (!inspection.routed) return refuse('misrouted');
  switch (claim.type) {
    case 'JobSubmitted': return judgeSubmission(claim, state);
    case 'CancelRequested': return judgeCancellation(claim, state);
    default: return judgeAnswer(claim, inspection, principal, state);
  }
}

function judgeSubmission(claim: JobSubmitted, state: PartitionState): Judgement {
  const broken = submissionRule(claim);
  if (broken !== null) return refuse('malformed-claim', broken);
  const digest = submissionDigest(claim);
  const open = state.jobs.get(claim.job);
  const ended = state.remembered.get(claim.job, state.timeMs);
  const known = open ?? ended;
  if (known !== undefined) return refuse(known.submissionDigest === digest ? 'duplicate-submission' : 'idempotency-key-reused');
  const workflow = Object.hasOwn(state.policy.workflows, claim.workflow) ? state.policy.workflows[claim.workflow] : undefined;
  if (workflow === undefined) return refuse('unknown-workflow', 'workflow: one that is in force');
  const workflowVersion = workflowVersionOf(workflow);
  if (claim.workflowVersion !== '' && claim.workflowVersion !== workflowVersion) return refuse('unknown-workflow', 'workflowVersion: empty or the version in force');
  const params = JSON.parse(claim.params) as Record<string, unknown>;
  for (const step of workflow.steps) {
    const missing = step.jobParams.find((name) => !name.endsWith('?') && !Object.hasOwn(params, name));
    if (missing !== undefined) return refuse('malformed-claim', `params.${missing}: required by step ${step.id}`);
  }
  if ((state.openJobsByTenant.get(claim.tenant) ?? 0) >= state.policy.openJobsPerTenantMax) return refuse('tenant-over-limit');
  return { admitted: 'submission', workflow, workflowVersion, digest };
}

const token = /^[\w.:/@+-]{0,128}$/;
/** Names that facts copy: one line of text that hides nothing. */
export const label = /^[^\p{Cc}\p{Cf}\p{Cs}]{0,256}$/u;
const sources = ['document', 'artifact', 'receipt'];

/**
 * The first rule that the fields which facts copy break, or null: a claim's free text must not reach `bb.verified`
 * through a model id, a version or an artifact's type.
 */
function envelopeRule(claim: Claim): string | null {
  for (const field of ['agentVersion', 'promptHash', 'modelId', 'workflowVersion'] as const) if (!token.test(claim[field])) return `${field}: letters, digits and .:/@+-_, at most 128`;
  for (const field of ['tenant', 'correlation', 'onBehalfOf'] as const) if (!label.test(claim[field])) return `${field}: no control characters, at most 256`;
  if ('fallbackTaken' in claim && !token.test(claim.fallbackTaken)) return 'fallbackTaken: letters, digits and .:/@+-_, at most 128';
  if ('usage' in claim && Object.values(claim.usage).some((amount) => amount < 0)) return 'usage: 0 or more';
  if (claim.type !== 'ArtifactsProposed') return null;
  for (const [index, artifact] of claim.artifacts.entries()) {
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(artifact.type)) return `artifacts.${index}.type: lower-case letters, digits and dashes`;
    if (![artifact.body.hash, ...artifact.refs].every((hash) => /^[0-9a-f]{64}$/.test(hash))) return `artifacts.${index}: hashes are 64 hex digits`;
    if (artifact.body.size < 0) return `artifacts.${index}.body.size: 0 or more`;
    if (!artifact.evidence.every((evidence) => sources.includes(evidence.source))) return `artifacts.${index}.evidence.source: ${sources.join(', ')}`;
  }
  return null;
}

/** The first rule that a submission breaks, or null. */
function submissionRule(claim: JobSubmitted): string | null {
  if (claim.tenant === '' || claim.tenant.length > 128) return 'tenant: 1 to 128 characters';
  if (claim.idempotencyKey === '' || claim.idempotencyKey.length > 256) return 'idempotencyKey: 1 to 256 characters';
  if (claim.job !== jobId(claim.tenant, claim.idempotencyKey)) return 'job: the hash of tenant and idempotencyKey';
  if (claim.deadlineMs < 0 || claim.deadlineMs > jobDeadlineMsMax) return `deadlineMs: 0 to ${jobDeadlineMsMax}`;
  if (claim.costCapMicros < 0) return 'costCapMicros: 0 or more';
  if (claim.params.length > 64 * 1024) return 'params: at most 64 KiB';
  if (isDeeper(claim.params, paramsDepthMax)) return `params: nested at most ${paramsDepthMax} deep`;
  try {
    const params = JSON.parse(claim.params) as unknown;
    if (params === null || typeof params !== 'object' || Array.isArray(params)) return 'params: a JSON object';
  } catch {
    // Not JSON: the same refusal, by the rule that it breaks.
    return 'params: a JSON object';
  }
  return null;
}

/** How far an agent's clock may be ahead of the log's. A later stamp would stay fresh for as long as its writer likes. */
const clockSkewMsMax = 60_000;

/** As at every door that takes JSON. Beyond it, whether a reader's stack suffices would be part of the decision. */
const paramsDepthMax = 64;

/** Whether JSON text opens more arrays and objects within one another: one look at the text, which recurses nowhere. */
function isDeeper(text: string, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (inString && mark === '\\') at += 1;
    else if (mark === '"') inString = !inString;
    else if (!inString && (mark === '[' || mark === '{')) depth += 1;
    else if (!inString && (mark === ']' || mark === '}')) depth -= 1;
    if (depth > depthMax) return true;
  }
  return false;
}

function judgeCancellation(claim: CancelRequested, state: PartitionState): Judgement {
  const found = openJob(claim, state);
  if ('refused' in found) return found;
  return found.job.tenant === claim.tenant ? { admitted: 'cancellation', job: found.job } : refuse('foreign-tenant');
}

function judgeAnswer(claim: ArtifactsProposed | FailureReported | VerdictsPosted, inspection: Inspection, principal: PrincipalPolicy, state: PartitionState): Judgement {
  const found = openJob(claim, state);
  if ('refused' in found) return found;
  const { job } = found;
  if (claim.tenant !== job.tenant) return refuse('foreign-tenant');
  const step = Object.hasOwn(job.steps, claim.step) ? job.steps[claim.step] : undefined;
  if (step === undefined) return refuse('malformed-claim', 'step: one of the job');
  const asked = step.status === 'working' ? step.definition.agent : step.status === 'verifying' ? step.definition.verifier : null;
  if (asked === null || claim.attempt !== step.attempt) return refuse('late-attempt');
  if (claim.type === 'VerdictsPosted' && principal.agent === step.definition.agent) return refuse('self-verification');
  if (principal.agent !== asked || claim.agent !== asked) return refuse('foreign-claim');
  if (claim.requestOffset !== step.requestOffset) return refuse('wrong-request');
  const fits = claim.type === 'FailureReported' || (claim.type === 'VerdictsPosted') === (step.status === 'verifying');
  if (!fits) return refuse('late-attempt');
  switch (claim.type) {
    case 'FailureReported': return { admitted: 'failure', job, step };
    case 'VerdictsPosted': return judgeVerdicts(claim, job, step);
    case 'ArtifactsProposed': return judgeProposal(claim, inspection, { job, step }, state);
  }
}

function judgeVerdicts(claim: VerdictsPosted, job: JobState, step: StepState): Judgement {
  const shown = new Set(step.candidates.map((candidate) => candidate.hash));
  const judged = new Set(claim.verdicts.map((verdict) => verdict.hash));
  if (judged.size !== claim.verdicts.length || judged.size !== shown.size) return refuse('foreign-candidate', 'verdicts: exactly one per candidate shown');
  if (claim.verdicts.some((verdict) => !shown.has(verdict.hash))) return refuse('foreign-candidate', 'verdicts: hashes that were shown');
  if (claim.verdicts.some((verdict) => !(verdict.checksTotal >= 1 && verdict.checksPassed >= 0 && verdict.checksPassed <= verdict.checksTotal))) return refuse('malformed-claim', 'verdicts.checksPassed: 0 to checksTotal, which is at least 1');
  return { admitted: 'verdicts', job, step };
}

function judgeProposal(claim: ArtifactsProposed, inspection: Inspection, at: { readonly job: JobState; readonly step: StepState }, state: PartitionState): Judgement {
  if (!inspection.receiptsValid) return refuse('bad-receipt');
  const { definition } = at.step;
  const closing = (reason: Refusal, detail = ''): Refused => ({ refused: reason, detail, closes: refusals[reason].closesAttempt ? at : null });
  if (claim.artifacts.length > definition.artifactsMax) return closing('too-many-artifacts', `artifacts: at most ${definition.artifactsMax}`);
  if (claim.artifacts.length < definition.acceptedMin && !(claim.artifacts.length === 0 && definition.mayFindNothing)) return closing('too-few-accepted', `artifacts: at least ${definition.acceptedMin}`);
  if (new Set(claim.artifacts.map((artifact) => artifact.body.hash)).size !== claim.artifacts.length) return closing('duplicate-artifact');
  const receipts = new Set(claim.receipts.flatMap((receipt) => receipt.hashes));
  const given = givenTo(at.job, definition.inputs);
  for (const [index, artifact] of claim.artifacts.entries()) {
    const check = inspection.bodies[index];
    const field = `artifacts.${index}`;
    if (artifact.contract !== definition.contract) return closing('wrong-contract', `${field}.contract: ${definition.contract}`);
    const inline = artifact.body.encoding === 'inline';
    if (!inline && artifact.body.encoding !== 'reference') return closing('body-missing', `${field}.body.encoding: inline or reference`);
    if (inline && definition.verifier !== '') return closing('body-missing', `${field}.body.encoding: reference, since a verifier must see it`);
    if (!inline && definition.verifier === '') return closing('body-missing', `${field}.body.encoding: inline, since the gate must see it`);
    const needsReceipt = !inline || artifact.body.size > state.policy.inlineBytesMax;
    if (needsReceipt && !receipts.has(artifact.body.hash)) return closing('body-missing', `${field}.body: a receipt`);
    if (check === undefined || !check.hashMatches) return closing('hash-mismatch', `${field}.body.hash`);
    if (check.violation !== null) return closing('contract-violation', `${field}.body.${check.violation}`);
    if (artifact.refs.some((ref) => !receipts.has(ref) && !given.has(ref))) return closing('evidence-unresolved', `${field}.refs: bodies with a receipt or inputs of the step`);
    if (check.evidenceRequired && artifact.evidence.length === 0) return closing('evidence-missing', `${field}.evidence`);
    if (artifact.evidence.some((evidence) => !given.has(evidence.reference) && !receipts.has(evidence.reference))) return closing('evidence-unresolved', `${field}.evidence: what the step was given`);
    if (definition.freshForMs > 0 && artifact.freshAtMs + definition.freshForMs < state.timeMs) return closing('stale', `${field}.freshAtMs: at most ${definition.freshForMs} ms ago`);
    if (definition.freshForMs > 0 && artifact.freshAtMs > state.timeMs + clockSkewMsMax) return closing('future-stamp', `${field}.freshAtMs: at most ${clockSkewMsMax} ms ahead`);
    if (!(artifact.confidence >= definition.confidenceMin && artifact.confidence <= 1)) return closing('confidence-low', `${field}.confidence: ${definition.confidenceMin} to 1`);
  }
  return { admitted: 'proposal', ...at };
}

/** Hashes of all that a step was given: verified artifacts and the bodies that belong to them. */
function givenTo(job: JobState, inputs: readonly string[]): ReadonlySet<string> {
  const given = new Set<string>();
  for (const artifact of job.artifacts) {
    const template = job.steps[artifact.step]?.definition.id ?? '';
    if (!inputs.includes(template)) continue;
    given.add(artifact.hash);
    for (const ref of artifact.refs) given.add(ref);
  }
  return given;
}

function openJob(claim: Claim, state: PartitionState): { readonly job: JobState } | Refused {
  const job = state.jobs.get(claim.job);
  if (job === undefined) return refuse(state.remembered.get(claim.job, state.timeMs) === undefined ? 'unknown-job' : 'job-ended');
  return claim.instance === job.instance || (claim.type === 'CancelRequested' && claim.instance === -1) ? { job } : refuse('stale-instance');
}

/** The policy of a claim's signer; null when the policy in force knows none of that name. */
export function principalOf(claim: Claim, state: PartitionState): PrincipalPolicy | null {
  const name = principalName(claim.signer);
  return Object.hasOwn(state.policy.principals, name) ? state.policy.principals[name] ?? null : null;
}

export function speaksFor(principal: PrincipalPolicy, tenant: string): boolean {
  return principal.tenants.includes('*') || principal.tenants.includes(tenant);
}

function refuse(reason: Refusal, detail = ''): Refused {
  return { refused: reason, detail, closes: null };
}

/** The principal of `principal#key`. */
export function principalName(signer: string): string {
  return signer.slice(0, Math.max(0, signer.indexOf('#')));
}
