// The routes that append claims: submit and cancel. 202 means in the log; anything else means not, or not known.

import type { FastifyRequest } from 'fastify';
import { DoorError } from '../runtime/http-door.js';
import { withSpan } from '../runtime/telemetry.js';
import { within } from '../runtime/within.js';
import { admit, admitCancellation, type AdmitContext, type Admission } from './admit.js';
import { noJob, type IngressParts, type Routes } from './routes.js';
import { cancelAccepted, cancelRequest, errorView, jobParams, statusQuery, submissionAccepted, submissionRequest } from './schemas.js';

/** Well below what a caller waits for an answer. */
const lookUpPatienceMs = 2000;

export function addWriteRoutes({ app, parts, finder, caller }: Routes): void {
  const context = (request: FastifyRequest): AdmitContext => ({ caller: caller(request), signer: parts.claims.signer, nowMs: parts.nowMs(), trace: parts.trace() });

  app.post('/v1/jobs', {
    schema: {
      summary: 'Submit a job', description: 'Needs an idempotency key, as the header Idempotency-Key or in the body. 202: the submission is in the log. 503: it is not, or perhaps not; sending it again with the same key is safe.',
      body: submissionRequest, response: { 202: submissionAccepted, '4xx': errorView, '5xx': errorView },
    },
  }, async (request, reply) => withSpan('submit', { 'http.request.method': 'POST' }, traceOf(request), async (span) => {
    const key = request.headers['idempotency-key'];
    const admission = admit(request.body, typeof key === 'string' ? key : undefined, context(request));
    if (!admission.admitted) throw refused(admission);
    const { job } = admission.claim;
    span.set({ 'blackboard.job': job });
    const known = await knownSubmission(parts, job, admission.digest, request);
    const place = known ?? await parts.claims.append(admission.claim);
    const statusUrl = `/v1/jobs/${job}?submission=${place.offset}`;
    request.log.info({ job, tenant: admission.claim.tenant, partition: place.partition, offset: place.offset, known: known !== null }, 'submitted');
    return reply.code(202).header('location', statusUrl).send({ job, ...place, statusUrl });
  }));

  app.post('/v1/jobs/:job/cancel', {
    schema: {
      summary: 'Ask to end a job', description: 'The job ends when the gate has judged the request; watch its state.',
      params: jobParams, querystring: statusQuery, body: cancelRequest, response: { 202: cancelAccepted, '4xx': errorView, '5xx': errorView },
    },
  }, async (request, reply) => {
    const found = await finder.find(caller(request), request.params.job, request.query.submission);
    if (found.is !== 'job') throw noJob(found);
    const { job, tenant, instance, correlation, state } = found.view;
    if (state === 'ended') throw new DoorError({ status: 409, code: 'CONFLICT' }, 'the job has ended', 'Nothing is left to cancel.', { members: { reason: 'job-ended' } });
    const place = await parts.claims.append(admitCancellation({ job, tenant, instance, correlation: correlation ?? '' }, request.body?.reason ?? '', context(request)));
    return reply.code(202).send({ job, ...place });
  });
}

/** The caller's own trace context, where it sends one. */
function traceOf(request: FastifyRequest): string {
  const header = request.headers['traceparent'];
  return typeof header === 'string' ? header : '';
}

/**
 * The place of the same submission, where Postgres shows that its job is open. Null: unknown here, so the gate decides.
 * @throws DoorError 409 when the key was used with another body and is still remembered.
 */
async function knownSubmission(parts: IngressParts, job: string, digest: string, request: FastifyRequest): Promise<{ readonly partition: number; readonly offset: number } | null> {
  // Submitting does not depend on Postgres, not even on one that hangs: the gate knows the same, and refuses by the same name.
  const known = await within(parts.reader.submitted(job), lookUpPatienceMs).catch((error: unknown) => {
    request.log.warn({ err: error }, 'earlier submissions cannot be looked up');
    return null;
  });
  if (known === null) return null;
  const isRemembered = known.isOpen || parts.nowMs() < (known.endedAtMs ?? 0) + parts.rememberMs;
  if (known.digest !== digest) {
    if (!isRemembered) return null;
    throw new DoorError({ status: 409, code: 'CONFLICT' }, 'the idempotency key was used before with another body', 'Use a new key for a new job, or send what was sent before.', { members: { reason: 'idempotency-key-reused', field: 'idempotencyKey' } });
  }
  return known.isOpen ? { partition: known.partition, offset: known.instance } : null;
}

function refused(admission: Extract<Admission, { readonly admitted: false }>): DoorError {
  const { status, field, rule, message } = admission;
  return new DoorError({ status, code: status === 403 ? 'UNAUTHENTICATED' : 'INPUT_INVALID' }, `${field}: ${message}`, 'Change the field that is named and send the request again.', { members: { field, rule } });
}
