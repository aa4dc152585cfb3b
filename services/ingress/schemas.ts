// The shapes of the HTTP API. Validation, types and the OpenAPI document all come from here.

import { jobDeadlineMsMax } from '../blackboard/workflow.js';
import { z } from 'zod';

const label = (max: number) => z.string().max(max).regex(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u, 'no control characters');
const count = z.int().min(0);
const offset = z.int().min(0);
const timeMs = z.int().nullable();

export const waitMsMax = 60_000;

export const submissionRequest = z.strictObject({
  workflow: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes').describe('Name of a workflow in force'),
  params: z.record(z.string(), z.unknown()).default({}).describe('Parameters of the job; at most 64 KiB as JSON'),
  deadlineMs: z.int().min(1).max(jobDeadlineMsMax).optional().describe('From acceptance, in ms; left out: the default of the workflow'),
  costCapMicros: z.int().min(0).max(1e15).optional().describe('Millionths of the billing currency; left out: the default of the workflow'),
  goal: z.string().max(4000).optional().describe('What the job is for, in words'),
  tenant: label(128).min(1).optional().describe('Must be the tenant that the API key is bound to'),
  correlation: label(256).optional().describe("The caller's own id for the whole conversation"),
  idempotencyKey: label(256).min(1).optional().describe('Same key, same job. May come as the header Idempotency-Key instead'),
});
export type SubmissionRequest = z.output<typeof submissionRequest>;

export const submissionAccepted = z.object({
  job: z.string(),
  partition: count,
  offset: offset.describe('Of the submission, on quarantine'),
  statusUrl: z.string().describe('Says what became of this very submission'),
});

export const jobView = z.object({
  job: z.string(), instance: offset, partition: count, tenant: z.string(),
  state: z.enum(['open', 'ended']),
  outcome: z.enum(['completed', 'failed', 'cancelled', 'degraded']).nullable(),
  reason: z.string().nullable(),
  workflow: z.string().nullable(), workflowVersion: z.string().nullable(), goal: z.string().nullable(), correlation: z.string().nullable(), onBehalfOf: z.string().nullable(),
  acceptedAtMs: timeMs, deadlineAtMs: timeMs, endedAtMs: timeMs, latencyMs: z.int().nullable(), costMicros: z.int(),
  attemptsRequested: count, attemptsFailed: count, stepsCompleted: count, stepsFailed: count, artifactsVerified: count, artifactsRejected: count,
}).meta({ id: 'Job' });
export type JobView = z.output<typeof jobView>;

export const submissionView = z.object({
  state: z.enum(['submitted', 'refused', 'parked', 'dead-lettered', 'accepted']).describe('submitted: not judged yet, or its rows are not committed yet'),
  job: z.string().nullable(), partition: count, offset,
  reason: z.string().nullable().describe('Of a closed list'),
  explanation: z.string().nullable().describe('Field and rule'),
}).meta({ id: 'Submission' });
export type SubmissionView = z.output<typeof submissionView>;

export const statusView = z.union([jobView, submissionView]);

export const resultView = jobView.extend({
  result: z.object({
    type: z.string(), contract: z.string(), hash: z.string(), size: count,
    value: z.unknown().describe('The decoded body, where this service knows the contract; else null'),
    base64: z.string().nullable().describe('The body as it is, where the contract is not known here'),
  }).nullable().describe('Null where the job ended without one'),
});

export const artifactView = z.object({
  namespace: z.enum(['quarantine', 'verified']), state: z.enum(['waiting', 'verified', 'rejected']),
  step: z.string(), attempt: count, type: z.string(), contract: z.string(), hash: z.string(), size: count, producer: z.string(),
  verifier: z.string().nullable(), reason: z.string().nullable(), confidence: z.number().nullable(), rubricScore: z.number().nullable(),
}).meta({ id: 'Artifact' });

export const errorView = z.looseObject({
  code: z.string().describe('Of the error catalogue'),
  message: z.string(),
  hint: z.string().describe('What to do now'),
  field: z.string().optional(), rule: z.string().optional(), reason: z.string().optional(),
}).meta({ id: 'Error' });

export const jobParams = z.object({ job: z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits') });
export const placeParams = z.object({ partition: z.coerce.number().int().min(0).max(1e6), offset: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER) });
const submission = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe('Offset of the submission that is meant');
export const statusQuery = z.strictObject({ submission });
export const resultQuery = z.strictObject({ submission, wait: z.coerce.number().min(0).max(waitMsMax / 1000).default(0).describe('Seconds to wait for the outcome, at most 60') });
export const listQuery = z.strictObject({
  state: z.enum(['open', 'ended', 'completed', 'failed', 'cancelled', 'degraded']).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.string().regex(/^\d{1,15}-[0-9a-f]{32}$/, 'a `next` of an earlier answer').optional().describe('`next` of the page before'),
});
export const listView = z.object({ jobs: z.array(jobView), next: z.string().nullable() });
export const cancelRequest = z.strictObject({ reason: label(256).optional() }).nullish();
export const cancelAccepted = z.object({ job: z.string(), partition: count, offset });
