// The HTTP door for people and upstream systems. It writes claims and reads committed rows, nothing else: what it
// says of a job's outcome is in Postgres already. Strict JSON, known fields, bounded bodies and waits.

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { createDoor, DoorError } from '../runtime/http-door.js';
import type { Logger } from '../runtime/logger.js';
import { parseStrictJson, strictJsonRules } from '../runtime/strict-json.js';
import { callerOf, isLoopback, type ApiKey, type Caller } from './callers.js';
import type { ClaimLog } from './claim-log.js';
import type { CommitBell } from './commit-bell.js';
import { JobFinder } from './find-job.js';
import type { JobReader } from './job-reader.js';
import { addReadRoutes } from './read-routes.js';
import type { GatewayAccess, ResultRenderers } from './result-body.js';
import { addResultRoutes } from './result-routes.js';
import { addWriteRoutes } from './write-routes.js';

export interface IngressParts {
  readonly reader: JobReader;
  readonly claims: ClaimLog;
  readonly bell: CommitBell;
  readonly gateway: GatewayAccess;
  readonly renderers: ResultRenderers;
  /** None: open to whoever reaches it, which must be loopback only. */
  readonly apiKeys: readonly ApiKey[];
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** W3C traceparent of what is under way, or empty. */
  readonly trace: () => string;
  /** How long after its end a job's key is taken to be remembered. */
  readonly rememberMs: number;
}

export type IngressApp = ReturnType<typeof typed>;

/** What every route needs. */
export interface Routes {
  readonly app: IngressApp;
  readonly parts: IngressParts;
  readonly finder: JobFinder;
  readonly caller: (request: FastifyRequest) => Caller;
}

export const submissionBytesMax = 256 * 1024;
/** Requests that wait (results, event streams) at the same time at most. */
export const waitersMax = 2000;

export async function ingressApi(parts: IngressParts): Promise<FastifyInstance> {
  const door = createDoor({ logger: parts.logger, bodyBytesMax: submissionBytesMax, mediaTypes: [] });
  door.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const parsed = parseStrictJson(body as Buffer, { bytesMax: submissionBytesMax });
    if (parsed.ok) done(null, parsed.value);
    else done(new DoorError(400, 'INPUT_INVALID', parsed.message, `Send one JSON value that keeps the rule: ${strictJsonRules[parsed.rule]}.`, { members: { field: cleaned(parsed.path), rule: parsed.rule } }));
  });
  const callers = new WeakMap<FastifyRequest, Caller>();
  door.addHook('onRequest', async (request) => {
    if (!(request.routeOptions.url ?? '').startsWith('/v1/')) return;
    const caller = callerOf(request.headers, parts.apiKeys);
    if (caller === null) throw new DoorError(401, 'UNAUTHENTICATED', 'no valid API key came with the request', 'Send the key as Authorization: Bearer KEY.');
    // A web page must not reach an open door through a name of its own that points to this machine.
    if (caller.tenant === null && !isLoopback(request.hostname)) throw new DoorError(403, 'UNAUTHENTICATED', 'without API keys this door answers under the names of this machine only', 'Use http://127.0.0.1, or configure API keys.');
    callers.set(request, caller);
  });
  const app = typed(door);
  await app.register(swagger, { openapi: documentHead, transform: jsonSchemaTransform, transformObject: jsonSchemaTransformObject });
  const routes: Routes = {
    app, parts, finder: new JobFinder(parts.reader, parts.claims, parts.bell),
    caller: (request) => {
      const caller = callers.get(request);
      if (caller === undefined) throw new Error('a route without a caller: it must begin with /v1/');
      return caller;
    },
  };
  addWriteRoutes(routes);
  addReadRoutes(routes);
  addResultRoutes(routes);
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  app.get('/health', { schema: { hide: true } }, () => ({ ok: true }));
  app.get('/ready', { schema: { hide: true } }, async (_request, reply) => {
    try {
      await parts.reader.ping();
      return { ok: true };
    } catch {
      return reply.code(503).send({ ok: false, code: 'DATABASE', message: 'the database does not answer' });
    }
  });
  await door.ready();
  return door;
}

/** `nothing` is the same answer for what is not there and for what belongs to another tenant. */
export function noSuchJob(): DoorError {
  return new DoorError(404, 'NOT_FOUND', 'there is no such job', 'A job can be seen when its acceptance is committed: ask with ?submission= and the offset that the submission was answered with.');
}

/** Aborts when the caller hangs up. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

function typed(app: FastifyInstance) {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  return app.withTypeProvider<ZodTypeProvider>();
}

function cleaned(path: string | undefined): string {
  return (path ?? '').replace(/[^\w./~-]/g, '?').slice(0, 120);
}

const documentHead = {
  openapi: '3.1.0',
  info: { title: 'blackboard', version: '1', description: 'Submit jobs to a blackboard, and read what is committed about them. An outcome is given out only when its audit rows are in Postgres.' },
  components: { securitySchemes: { apiKey: { type: 'http' as const, scheme: 'bearer' } } },
  security: [{ apiKey: [] }],
};
