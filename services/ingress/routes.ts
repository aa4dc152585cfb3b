// What the routes of the API share: their parts, who calls, and the answers that several of them give.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { DoorError } from '../runtime/http-door.js';
import type { Logger } from '../runtime/logger.js';
import type { Seams } from '../runtime/seams.js';
import type { ApiKey, Caller } from './callers.js';
import type { ClaimLog } from './claim-log.js';
import type { CommitBell } from './commit-bell.js';
import type { Found, JobFinder } from './find-job.js';
import type { JobReader } from './job-reader.js';
import type { GatewayAccess, ResultRenderers } from './result-body.js';

/** Requests that wait (results, event streams) at the same time at most. */
export const waitersMax = 2000;

export interface IngressParts {
  readonly reader: JobReader;
  readonly claims: ClaimLog;
  readonly bell: CommitBell;
  readonly gateway: GatewayAccess;
  readonly renderers: ResultRenderers;
  /** None: open to whoever reaches it, which must be loopback only. */
  readonly apiKeys: readonly ApiKey[];
  readonly logger: Logger;
  readonly seams: Seams;
  readonly nowMs: () => number;
  /** W3C traceparent of what is under way, or empty. */
  readonly trace: () => string;
  /** How long after its end a job's key is taken to be remembered. */
  readonly rememberMs: number;
}

export type IngressApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** What every route needs. */
export interface Routes {
  readonly app: IngressApp;
  readonly parts: IngressParts;
  readonly finder: JobFinder;
  readonly caller: (request: FastifyRequest) => Caller;
}

/** `nothing` is the same answer for what is not there and for what belongs to another tenant. */
export function noSuchJob(): DoorError {
  return new DoorError({ status: 404, code: 'NOT_FOUND' }, 'there is no such job', 'A job can be seen when its acceptance is committed: ask with ?submission= and the offset that the submission was answered with.');
}

/** What is said where a job is asked for and there is none: of a submission that was refused, why; of one that is not judged yet, to come back. */
export function noJob(found: Exclude<Found, { readonly is: 'job' }>): DoorError {
  if (found.is === 'nothing') return noSuchJob();
  if (found.view.state === 'submitted') return new DoorError({ status: 503, code: 'NOT_FOUND' }, 'the submission is in the log and not judged yet', 'Ask again after the seconds that Retry-After names.', { members: { state: 'submitted' }, retryAfterS: 2 });
  const { state, reason, explanation } = found.view;
  return new DoorError({ status: 404, code: 'NOT_FOUND' }, 'the submission did not become a job', 'See the reason; submit again with a new key when it is mended.', { members: { state, reason: reason ?? '', explanation: explanation ?? '' } });
}

/** Aborts when the caller hangs up. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
