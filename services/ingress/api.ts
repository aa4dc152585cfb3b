// The HTTP door for people and upstream systems. It writes claims and reads committed rows, nothing else: what it
// says of a job's outcome is in Postgres already. Strict JSON, known fields, bounded bodies and waits.

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { createDoor, DoorError } from '../runtime/http-door.js';
import { parseStrictJson, strictJsonRules } from '../runtime/strict-json.js';
import { callerOf, isLoopback, type Caller } from './callers.js';
import { JobFinder } from './find-job.js';
import { addReadRoutes } from './read-routes.js';
import { addResultRoutes } from './result-routes.js';
import type { IngressParts, Routes } from './routes.js';
import { addWriteRoutes } from './write-routes.js';

export const submissionBytesMax = 256 * 1024;

export async function ingressApi(parts: IngressParts): Promise<FastifyInstance> {
  const door = createDoor({ logger: parts.logger, bodyBytesMax: submissionBytesMax, mediaTypes: [] });
  door.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const parsed = parseStrictJson(body as Buffer, { bytesMax: submissionBytesMax });
    if (parsed.ok) done(null, parsed.value);
    else done(new DoorError({ status: 400, code: 'INPUT_INVALID' }, parsed.message, `Send one JSON value that keeps the rule: ${strictJsonRules[parsed.rule]}.`, { members: { field: cleaned(parsed.path), rule: parsed.rule } }));
  });
  const callers = new WeakMap<FastifyRequest, Caller>();
  door.addHook('onRequest', async (request) => {
    if (!(request.routeOptions.url ?? '').startsWith('/v1/')) return;
    const caller = callerOf(request.headers, parts.apiKeys);
    if (caller === null) throw new DoorError({ status: 401, code: 'UNAUTHENTICATED' }, 'no valid API key came with the request', 'Send the key as Authorization: Bearer KEY.');
    // A web page must not reach an open door through a name of its own that points to this machine.
    if (caller.tenant === null && !isLoopback(request.hostname)) throw new DoorError({ status: 403, code: 'UNAUTHENTICATED' }, 'without API keys this door answers under the names of this machine only', 'Use http://127.0.0.1, or configure API keys.');
    callers.set(request, caller);
  });
  const app = typed(door);
  await app.register(swagger, { openapi: documentHead, transform: jsonSchemaTransform, transformObject: jsonSchemaTransformObject });
  const routes: Routes = {
    app, parts, finder: new JobFinder(parts.reader, parts.claims, parts.bell, parts.seams),
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
