// The gateway's HTTP door: bodies and models, each against the open capability of a step and that principal's own
// signature. A get answers the same 404 whether a body is missing or not opened; a put never tells whether it was
// there. Nothing is served once reading `bb.verified` has halted.

import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { contentHash } from '../blackboard/ids.js';
import { receiptText } from '../blackboard/signed-text.js';
import type { BodyStore } from '../runtime/body-store.js';
import { BlackboardError } from '../runtime/errors.js';
import { createDoor, DoorError } from '../runtime/http-door.js';
import type { Keyring } from '../runtime/keyring.js';
import type { Logger } from '../runtime/logger.js';
import { through, type Seams } from '../runtime/seams.js';
import { parseStrictJson } from '../runtime/strict-json.js';
import { Asks, type Ask } from './asks.js';
import { authorize, checkProof, gatewayRefusals, placeToRecall, type Asked, type Decision, type GatewayRefusal, type Proof } from './authorize.js';
import { frameLimits, readBodyFrames } from './body-frames.js';
import { resultOf, type CapabilityBoard, type Grant } from './capabilities.js';
import type { Progress } from './progress.js';
import { isSignedBy, principalOfProof, readProofHeaders, requestPlace, type ProofHeaders } from './proof.js';
import type { RecordedEnd } from './recorded-end.js';

export const askSchema = z.strictObject({
  system: z.string().max(200_000),
  user: z.string().max(2_000_000),
  /** Name of the answer's shape. */
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /** JSON schema of the answer. */
  schema: z.record(z.string(), z.unknown()),
});
export type ModelAsk = z.output<typeof askSchema>;

export interface ModelReply {
  readonly value: unknown;
  readonly modelId: string;
  readonly fallbackTaken: string;
  readonly usage: { readonly modelCalls: number; readonly inputTokens: number; readonly outputTokens: number; readonly costMicros: number };
}

/** @throws BlackboardError MODEL_UNAVAILABLE when neither primary nor fallback gave a usable answer. */
export type Models = (ask: ModelAsk, signal: AbortSignal) => Promise<ModelReply>;

export interface GatewayServer {
  readonly board: CapabilityBoard;
  readonly progress: Progress;
  readonly keyring: Keyring;
  readonly bodies: BodyStore;
  readonly models: Models | null;
  /** What a record of `bb.verified` says of the end of a job, if it is one. */
  readonly recordedEnd: (place: { readonly partition: number; readonly offset: number }) => Promise<RecordedEnd | null>;
  readonly logger: Logger;
  readonly seams: Seams;
  /** The gateway's clock, for the age of signatures and the time of receipts only. */
  readonly nowMs: () => number;
  /** `ready`: what was in the log at the start has been read. `halted`: nothing is served any more. */
  readonly state: () => 'catching-up' | 'ready' | 'halted';
  /** Default 2,000. */
  readonly waitMsMax?: number;
}

const putBytesMax = 32 * 1024 * 1024;
const octets = 'application/octet-stream';

export function gatewayServer(server: GatewayServer): FastifyInstance {
  const app = createDoor({ logger: server.logger, bodyBytesMax: putBytesMax, mediaTypes: [octets, 'application/json'] });
  // Before the body is read: no stranger makes the gateway hold megabytes with a proof that cannot hold.
  app.addHook('onRequest', async (request) => {
    if (!needsProof(request)) return;
    if (server.state() === 'halted') throw unavailable('reading the verified facts has halted; see the log of the gateway');
    proofOf(request, server);
  });
  app.put('/v1/bodies', (request) => putBodies(server, request));
  app.get<{ Params: { hash: string } }>('/v1/bodies/:hash', async (request, reply) => {
    const bytes = await getBody(server, request, request.params.hash);
    return reply.header('content-type', octets).header('cache-control', 'no-store').send(bytes);
  });
  const asks = new Asks({ isAnswer: (error) => error instanceof DoorError && error.answer.code === 'MODEL_UNAVAILABLE' });
  app.post<{ Querystring: { n?: string } }>('/v1/models/ask', async (request, reply) => {
    const answer = await askModel(server, asks, request, reply);
    return reply.header('content-type', 'application/json; charset=utf-8').send(answer);
  });
  app.addHook('onClose', () => asks.close());
  app.get('/v1/capabilities', () => ({ model: server.models !== null }));
  app.get('/health', (_request, reply) => {
    const state = server.state();
    return reply.code(state === 'ready' ? 200 : 503).send({ state });
  });
  return app;
}

async function putBodies(server: GatewayServer, request: FastifyRequest): Promise<unknown> {
  if (!Buffer.isBuffer(request.body) || !isMedia(request, octets)) throw mediaType(octets);
  const frames = readBodyFrames(request.body);
  if (!frames.ok) throw new DoorError({ status: frames.rule === 'body-too-large' ? 413 : 400, code: 'INPUT_INVALID' }, 'the body is not a list of [length, 4 bytes big-endian][bytes]', `Send 1 to ${frameLimits.bodiesMax} bodies of at most ${frameLimits.bodyBytesMax} bytes.`, { members: { rule: frames.rule } });
  const bodies = frames.bodies.map((bytes) => ({ hash: contentHash(bytes), bytes }));
  const bytes = frames.bodies.reduce((sum, body) => sum + body.length, 0);
  const { proof, decision } = await decide(server, request, { act: 'put', bodies: bodies.length, bytes }, ({ spent, arriving }) => {
    spent.putBytes += bytes;
    arriving.bodies += bodies.length;
  });
  if (!decision.allowed) throw refused(decision.reason);
  const grant = decision.grant as Grant;
  const hashes = bodies.map((body) => body.hash);
  try {
    await orUnavailable(server, through(server.seams, 'gateway.put-bodies', () => server.bodies.put(bodies)));
    for (const hash of hashes) grant.own.add(hash);
  } catch (error) {
    grant.spent.putBytes -= bytes;
    throw error;
  } finally {
    grant.arriving.bodies -= bodies.length;
  }
  const receipt = { kind: 'body', hashes, signer: server.keyring.signerOf('gateway'), atMs: server.nowMs() };
  const signature = server.keyring.sign(receipt.signer, receiptText(receipt, principalOfProof(proof), proof.name)).toString('hex');
  return { hashes, receipt: { ...receipt, signature } };
}

async function getBody(server: GatewayServer, request: FastifyRequest, hash: string): Promise<Buffer> {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new DoorError({ status: 400, code: 'INPUT_INVALID' }, 'a body is named by 64 hex digits', 'Use the hash that the request or the put gave.', { members: { field: 'hash', rule: 'sha256' } });
  const { decision } = await decide(server, request, { act: 'get', hash });
  // A proof that does not hold says nothing of the body; everything behind it is one and the same 404.
  if (!decision.allowed && isProofProblem(decision.reason)) throw refused(decision.reason);
  const bytes = decision.allowed ? await orUnavailable(server, through(server.seams, 'gateway.get-body', () => server.bodies.get(hash))) : null;
  if (bytes === null) throw new DoorError({ status: 404, code: 'BODY_NOT_FOUND' }, 'no body of that hash is visible to this principal under this attempt', 'Ask for bodies that the request names, while its attempt is open.');
  return bytes;
}

/** The model's answer as JSON. A question that was asked before under this grant is not asked again. */
async function askModel(server: GatewayServer, asks: Asks, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const { board, models } = server;
  const { ask, question } = readAsk(request);
  const leaving = new AbortController();
  reply.raw.once('close', () => leaving.abort());
  let known: Ask | undefined;
  const { decision } = await decide(server, request, { act: 'ask', question }, (grant) => {
    known = grant.asks.get(question);
    if (known !== undefined) return;
    grant.spent.modelCalls += 1;
    known = asks.add(grant.asks, question);
  });
  if (!decision.allowed) throw refused(decision.reason);
  if (models === null) throw new DoorError({ status: 501, code: 'MODEL_UNAVAILABLE' }, 'this gateway has no model configured', 'Work without a model, or configure one where the gateway runs.');
  // Nobody is charged for what nobody waits for; who comes back has it asked.
  if (leaving.signal.aborted) throw unavailable('the connection broke before the model was asked');
  const grant = decision.grant as Grant;
  const waiting = { leaves: leaving.signal, mayReturn: () => board.byRequest.get(grant.request) === grant };
  return (known as Ask).answer(waiting, async (signal) => {
    try {
      return JSON.stringify(await through(server.seams, 'gateway.ask-model', () => models(ask, signal)));
    } catch (error) {
      if (!(error instanceof BlackboardError) || error.code !== 'MODEL_UNAVAILABLE') throw error;
      request.log.warn({ err: error, ...proofIds(request) }, 'no model gave a usable answer');
      const usage = error.details['usage'];
      throw new DoorError({ status: 502, code: 'MODEL_UNAVAILABLE' }, 'neither the primary nor the fallback model gave a usable answer', 'Report a retryable failure, or work without a model.', usage === undefined ? {} : { members: { usage } });
    }
  });
}

/** What is asked, and what the grant knows it by. Without a number it is one of its own each time. */
function readAsk(request: FastifyRequest): { readonly ask: ModelAsk; readonly question: string } {
  if (!Buffer.isBuffer(request.body) || !isMedia(request, 'application/json')) throw mediaType('application/json');
  const parsed = parseStrictJson(request.body, { bytesMax: 4 * 1024 * 1024 });
  if (!parsed.ok) throw new DoorError({ status: parsed.rule === 'size' ? 413 : 400, code: 'INPUT_INVALID' }, parsed.message, 'Send one JSON object.', { members: { rule: parsed.rule } });
  const ask = askSchema.safeParse(parsed.value);
  if (!ask.success) {
    const issue = ask.error.issues[0];
    throw new DoorError({ status: 400, code: 'INPUT_INVALID' }, 'a field breaks a rule', 'Send {system, user, name, schema}.', { members: { field: issue?.path.join('.') ?? '', rule: issue?.code ?? '' } });
  }
  const { n } = request.query as { readonly n?: unknown };
  if (n !== undefined && !(typeof n === 'string' && /^[1-9]\d{0,5}$/.test(n))) throw new DoorError({ status: 400, code: 'INPUT_INVALID' }, 'the number of a question breaks a rule', 'Count the questions of an attempt from 1: ?n=1.', { members: { field: 'n', rule: 'integer' } });
  return { ask: ask.data, question: n === undefined ? randomUUID() : `${n}:${contentHash(request.body)}` };
}

/**
 * Waits until the fact that would allow the request has been read, then asks `authorize`. What it allows is counted in
 * the same turn: requests at the same time cannot pass a limit together.
 */
async function decide(server: GatewayServer, request: FastifyRequest, asked: Asked, count?: (grant: Grant) => void): Promise<{ readonly proof: ProofHeaders; readonly decision: Decision }> {
  const headers = proofOf(request, server);
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const valid = isSignedBy(server.keyring, headers, { method: request.method, path: request.url, body });
  const proof: Proof = { principal: principalOfProof(headers), valid, atMs: headers.atMs, name: headers.name };
  const nowMs = server.nowMs();
  // Only who proves to be someone may wait.
  if (valid && !(await hasRead(server, proof))) throw unavailable('the gateway has not read that far yet');
  const decision = authorize(proof, asked.act === 'get' ? await withRecorded(server, proof, asked) : asked, server.board, nowMs);
  if (!decision.allowed) request.log.info({ reason: decision.reason, principal: proof.principal, act: asked.act, ...proofIds(request) }, 'refused');
  else if (decision.grant !== null) count?.(decision.grant);
  return { proof: headers, decision };
}

/** The board remembers a result for a while only; the log has it for longer. */
async function withRecorded(server: GatewayServer, proof: Proof, asked: Asked & { readonly act: 'get' }): Promise<Asked> {
  const place = placeToRecall(proof, server.board);
  if (place === null) return asked;
  try {
    return { ...asked, recorded: await server.recordedEnd(place) };
  } catch (error) {
    server.logger.error({ err: error, ...place }, 'the record of the end of a job cannot be read');
    throw unavailable('the log does not answer');
  }
}

async function hasRead(server: GatewayServer, proof: Proof): Promise<boolean> {
  const place = requestPlace(proof.name);
  if (place !== null) return server.progress.until(() => server.progress.next(place.partition) > place.offset, server.waitMsMax);
  // Ingress reads results under no request: it may come before the end of the job has been read, or for another job.
  await server.progress.until(() => resultOf(server.board, proof.name.job, proof.name.instance) !== null, server.waitMsMax);
  return true;
}

function proofOf(request: FastifyRequest, server: GatewayServer): ProofHeaders {
  const proof = readProofHeaders(request.headers);
  if ('problem' in proof) throw new DoorError({ status: 401, code: 'GATEWAY_REFUSED' }, 'a header of the proof is missing or has another shape', 'Sign each request with the principal that the capability names.', { members: { field: proof.problem, reason: 'bad-signature' } });
  const problem = checkProof({ valid: true, atMs: proof.atMs }, server.nowMs());
  if (problem !== null) throw refused(problem);
  return proof;
}

function needsProof(request: FastifyRequest): boolean {
  const route = request.routeOptions.url ?? '';
  return route.startsWith('/v1/bodies') || route.startsWith('/v1/models');
}

function isProofProblem(reason: GatewayRefusal): boolean {
  return reason === 'bad-signature' || reason === 'clock-skew';
}

function isMedia(request: FastifyRequest, type: string): boolean {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === type;
}

async function orUnavailable<T>(server: GatewayServer, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    server.logger.error({ err: error }, 'the body store does not answer');
    throw unavailable('the body store does not answer');
  }
}

function refused(reason: GatewayRefusal): DoorError {
  return new DoorError({ status: isProofProblem(reason) ? 401 : 403, code: 'GATEWAY_REFUSED' }, gatewayRefusals[reason], 'Use the capability of the open attempt, signed by the principal that it names, with a clock that is right.', { members: { reason } });
}

function mediaType(type: string): DoorError {
  return new DoorError({ status: 415, code: 'INPUT_INVALID' }, `this route takes ${type}`, 'Set the content-type header.', { members: { field: 'content-type', rule: 'media-type' } });
}

function unavailable(what: string): DoorError {
  return new DoorError({ status: 503, code: 'GATEWAY_UNAVAILABLE' }, what, 'Try again after the seconds that Retry-After names.', { retryAfterS: 1 });
}

function proofIds(request: FastifyRequest): Record<string, unknown> {
  const proof = readProofHeaders(request.headers);
  return 'problem' in proof ? {} : { job: proof.name.job, step: proof.name.step, attempt: proof.name.attempt };
}
