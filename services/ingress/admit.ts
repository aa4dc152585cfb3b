// May this request become a claim? Pure: request, caller, time and trace in; an unsigned claim or a refusal by field
// and rule out. What only the gate can know (workflows in force, limits, other lives of the key) is left to it.

import type { CancelRequested, Envelope, JobSubmitted } from '../../schemas/generated/events.js';
import { canonicalJson, jobId } from '../blackboard/ids.js';
import { submissionDigest } from '../blackboard/submission.js';
import type { Caller } from './callers.js';
import type { SubmissionRequest } from './schemas.js';

export const paramsBytesMax = 64 * 1024;

export interface AdmitContext {
  readonly caller: Caller;
  /** `principal#keyId` with which ingress signs. */
  readonly signer: string;
  readonly nowMs: number;
  /** W3C traceparent, or empty. */
  readonly trace: string;
}

/** A claim before its signature. */
export type Unsigned<T> = Omit<T, 'signature'>;

export type Admission =
  | { readonly admitted: true; readonly claim: Unsigned<JobSubmitted>; readonly digest: string }
  | { readonly admitted: false; readonly status: 400 | 403; readonly field: string; readonly rule: string; readonly message: string };

/** `headerKey`: the header Idempotency-Key, where it came. */
export function admit(request: SubmissionRequest, headerKey: string | undefined, context: AdmitContext): Admission {
  const { caller } = context;
  if (caller.tenant !== null && request.tenant !== undefined && request.tenant !== caller.tenant) return refuse(403, 'tenant', 'foreign-tenant', 'the API key is bound to another tenant');
  if (headerKey !== undefined && request.idempotencyKey !== undefined && headerKey !== request.idempotencyKey) return refuse(400, 'idempotencyKey', 'two-keys', 'the header Idempotency-Key and the field differ; send one');
  const idempotencyKey = headerKey ?? request.idempotencyKey ?? '';
  if (idempotencyKey === '') return refuse(400, 'idempotencyKey', 'required', 'send a key of your own as the header Idempotency-Key, so that sending again is safe');
  if (idempotencyKey.length > 256 || !/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u.test(idempotencyKey)) return refuse(400, 'idempotencyKey', 'label', 'at most 256 characters, no control characters');
  const params = canonicalJson(request.params);
  if (Buffer.byteLength(params) > paramsBytesMax) return refuse(400, 'params', 'size', `at most ${paramsBytesMax} bytes as JSON; larger things go by reference`);
  const tenant = caller.tenant ?? request.tenant ?? 'default';
  const claim: Unsigned<JobSubmitted> = {
    ...envelope(context, { tenant, job: jobId(tenant, idempotencyKey), instance: -1, correlation: request.correlation ?? '' }),
    type: 'JobSubmitted', idempotencyKey, workflow: request.workflow, params,
    deadlineMs: request.deadlineMs ?? 0, costCapMicros: request.costCapMicros ?? 0, goal: request.goal ?? '',
  };
  return { admitted: true, claim, digest: submissionDigest(claim) };
}

/** `instance` is -1 while it is not known which life of the job id is meant: then the open one. */
export function admitCancellation(job: { readonly job: string; readonly tenant: string; readonly instance: number; readonly correlation: string }, reason: string, context: AdmitContext): Unsigned<CancelRequested> {
  return { ...envelope(context, job), type: 'CancelRequested', reason };
}

function envelope(context: AdmitContext, about: Pick<Envelope, 'job' | 'tenant' | 'instance' | 'correlation'>): Envelope {
  return {
    step: '', agent: '', epoch: -1, cause: -1, tenant: about.tenant, job: about.job, instance: about.instance, attempt: 0, agentVersion: '',
    correlation: about.correlation, causation: '', onBehalfOf: context.caller.principal, workflowVersion: '', policyVersion: '', promptHash: '', modelId: '',
    signer: context.signer, atMs: context.nowMs, trace: context.trace,
  };
}

function refuse(status: 400 | 403, field: string, rule: string, message: string): Admission {
  return { admitted: false, status, field, rule, message };
}
