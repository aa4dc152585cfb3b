// Against a stand-in over real HTTP that holds requests to the protocol's own signed texts. The gateway itself is
// another stage; both together are held by the end-to-end tests.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { contentHash } from '../../blackboard/ids.js';
import { gatewayRequestText, proofHeaders, receiptText } from '../../blackboard/signed-text.js';
import { systemClock } from '../../runtime/clock.js';
import { Keyring, principalOf } from '../../runtime/keyring.js';
import { createLogger } from '../../runtime/logger.js';
import { testJob, until, VerifiedFixture } from '../../runtime/log/testing-verified.js';
import { noopAgent } from '../noop/agent.js';
import type { Agent } from './agent.js';
import { GatewayClient, ModelFailure, type Asker } from './gateway-client.js';
import { runAgents } from './run-agents.js';

const keyring = new Keyring(['noop', 'gateway'].map((principal, index) => ({ principal, keyId: 'k1', secret: Buffer.alloc(32, index + 1) })));
const usage = { modelCalls: 2, inputTokens: 30, outputTokens: 4, costMicros: 5 };

interface Answer { readonly status: number; readonly body: Buffer | object; readonly retryAfterS?: number }
interface Asked { readonly method: string; readonly path: string; readonly body: Buffer; readonly name: { job: string; instance: number; step: string; attempt: number; request: string }; readonly principal: string }

/** Checks each proof; `answer` may overrule what a well-behaved gateway says. */
async function standIn(context: TestContext, answer: (asked: Asked, count: number) => Answer | 'drop' | null = () => null) {
  const bodies = new Map<string, Buffer>();
  const asked: Asked[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const header = (name: keyof typeof proofHeaders): string => String(request.headers[proofHeaders[name]] ?? '');
    const name = { job: header('job'), instance: Number(header('instance')), step: header('step'), attempt: Number(header('attempt')), request: header('request') };
    const http = { method: request.method ?? '', path: request.url ?? '', body };
    const isProven = keyring.verify(header('signer'), Buffer.from(header('signature'), 'hex'), gatewayRequestText(name, header('signer'), Number(header('atMs')), http));
    const one: Asked = { ...http, name, principal: principalOf(header('signer')) };
    asked.push(one);
    const told = answer(one, asked.length);
    if (told === 'drop') return void request.socket.destroy();
    const { status, body: reply, retryAfterS } = told ?? (isProven ? wellBehaved(one, bodies) : { status: 401, body: { reason: 'bad-signature' }, retryAfterS: undefined });
    response.writeHead(status, retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }).end(Buffer.isBuffer(reply) ? reply : JSON.stringify(reply));
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => serve(request, response, Buffer.concat(parts)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, bodies, client: new GatewayClient({ url, keyring, clock: systemClock }) };
}

function wellBehaved(asked: Asked, bodies: Map<string, Buffer>): Answer {
  if (asked.path === '/v1/capabilities') return { status: 200, body: { model: true } };
  if (asked.path.startsWith('/v1/models/ask')) return { status: 200, body: { value: { word: 'yes' }, modelId: 'm-1', fallbackTaken: '', usage } };
  if (asked.method === 'GET') {
    const found = bodies.get(asked.path.split('/').at(-1) ?? '');
    return found === undefined ? { status: 404, body: { code: 'BODY_NOT_FOUND' } } : { status: 200, body: found };
  }
  const hashes: string[] = [];
  for (let at = 0; at < asked.body.length;) {
    const body = asked.body.subarray(at + 4, at + 4 + asked.body.readUInt32BE(at));
    hashes.push(contentHash(body));
    bodies.set(contentHash(body), body);
    at += 4 + body.length;
  }
  const receipt = { kind: 'body', hashes, signer: 'gateway#k1', atMs: 5 };
  return { status: 200, body: { hashes, receipt: { ...receipt, signature: keyring.sign(receipt.signer, receiptText(receipt, asked.principal, asked.name)).toString('hex') } } };
}

const asker = (signal = new AbortController().signal): Asker => ({ principal: 'noop', questions: 0, signal, attempt: { job: testJob(1), instance: 3, step: 'one', attempt: 2, request: 'v/0/9' } });

test('puts and gets bodies by signed requests and brings back a receipt that the gateway signed for this attempt', async (context) => {
  const { client } = await standIn(context);
  const bodies = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 1)];
  const { hashes, receipts } = await client.put(asker(), bodies);
  assert.deepEqual(hashes, bodies.map(contentHash));
  const [receipt] = receipts;
  assert.ok(receipt !== undefined && keyring.verify(receipt.signer, receipt.signature, receiptText(receipt, 'noop', asker().attempt)));
  assert.deepEqual(await client.get(asker(), hashes[2] ?? ''), bodies[2]);
});

test('sends at most 256 bodies and 16 MiB in one put', async (context) => {
  const { client, asked } = await standIn(context);
  const { hashes, receipts } = await client.put(asker(), [...Array.from({ length: 300 }, (_, index) => Buffer.from(`${index}`)), Buffer.alloc(9 * 2 ** 20, 1), Buffer.alloc(9 * 2 ** 20, 2)]);
  assert.equal(hashes.length, 302);
  assert.equal(receipts.length, asked.length);
  assert.deepEqual(receipts.flatMap((receipt) => receipt.hashes), hashes);
  assert.ok(asked.every((one) => one.body.length <= 16 * 2 ** 20 + 1024));
  assert.equal(asked.length, 3);
});

test('tries again while the gateway is not ready or not reachable, and signs each try anew', async (context) => {
  const { client, asked } = await standIn(context, (_asked, count) => (count === 1 ? { status: 503, body: {}, retryAfterS: 0 } : count === 2 ? 'drop' : count === 3 ? { status: 500, body: {} } : null));
  assert.equal(await client.hasModel(asker()), true);
  assert.equal(asked.length, 4);
});

test('gives up when the attempt ends', async (context) => {
  const { client } = await standIn(context, () => ({ status: 503, body: {}, retryAfterS: 1 }));
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 30);
  await assert.rejects(client.put(asker(ending.signal), [Buffer.from('x')]), { code: 'GATEWAY_UNAVAILABLE' });
});

test('does not try again what was refused, and says so by code', async (context) => {
  const refusing = await standIn(context, () => ({ status: 403, body: { reason: 'attempt-not-open' } }));
  await assert.rejects(refusing.client.put(asker(), [Buffer.from('x')]), { code: 'GATEWAY_REFUSED', message: /attempt-not-open/ });
  assert.equal(refusing.asked.length, 1);
  const { client } = await standIn(context);
  await assert.rejects(client.get(asker(), 'ab'.repeat(32)), { code: 'BODY_NOT_FOUND' });
});

test('refuses bytes that do not have the hash that was asked for', async (context) => {
  const { client } = await standIn(context, () => ({ status: 200, body: Buffer.from('something else') }));
  await assert.rejects(client.get(asker(), contentHash(Buffer.from('x'))), { code: 'GATEWAY_REFUSED' });
});

test('asks a failed model once only, and learns what the failure cost', async (context) => {
  const { client, asked } = await standIn(context, () => ({ status: 502, body: { code: 'MODEL_UNAVAILABLE', usage } }));
  await assert.rejects(client.ask(asker(), { system: '', user: '', name: 'answer', schema: {} }), (error) => error instanceof ModelFailure && error.code === 'MODEL_UNAVAILABLE' && error.usage?.costMicros === 5);
  assert.equal(asked.length, 1);
});

test('asks for capabilities once for all runs of a minute', async (context) => {
  const { client, asked } = await standIn(context);
  await Promise.all(Array.from({ length: 20 }, () => client.hasModel(asker())));
  await client.hasModel(asker());
  assert.equal(asked.length, 1);
});

test('does not ask for capabilities without a pause where it is refused, and says what the refusal was', async (context) => {
  const { client, asked } = await standIn(context, () => ({ status: 403, body: {} }));
  const asking = client.hasModel(asker(AbortSignal.timeout(500)));
  await assert.rejects(Promise.all([asking, client.hasModel(asker())]), { code: 'GATEWAY_REFUSED' });
  assert.equal(asked.length, 1);
});

test('asks for capabilities again when the run ends that had asked for all', async (context) => {
  const { client } = await standIn(context, (_asked, count) => (count === 1 ? { status: 503, body: {}, retryAfterS: 1 } : null));
  const first = new AbortController();
  const one = client.hasModel(asker(first.signal));
  const other = client.hasModel(asker());
  first.abort();
  await assert.rejects(one);
  assert.equal(await other, true);
});

test('goes on with an old answer about capabilities while the gateway is away', async (context) => {
  const { url, asked } = await standIn(context, (_asked, count) => (count === 1 ? null : 'drop'));
  let aheadMs = 0;
  const client = new GatewayClient({ url, keyring, clock: { ...systemClock, nowMs: () => Date.now() + aheadMs } });
  const ending = new AbortController();
  assert.equal(await client.hasModel(asker(ending.signal)), true);
  aheadMs = 61_000;
  assert.equal(await client.hasModel(asker(ending.signal)), true);
  assert.ok(asked.length > 1, 'it has asked again');
  ending.abort();
});

test('a step whose bodies a verifier must see: bodies are put first, the claim has references, receipts, usage and model', async (context) => {
  const { url, bodies } = await standIn(context);
  const fixture = new VerifiedFixture();
  fixture.marker();
  const agent: Agent = {
    ...noopAgent(),
    async run({ model, bodies: store, request, write }) {
      const answer = await model?.ask({ system: '', user: 'may I?', name: 'answer', shape: z.object({ word: z.string() }) });
      const [document = ''] = await store.put([Buffer.from('a document')]);
      const { noteContract } = await import('../../../workflows/noop/contracts.js');
      return { outcome: 'proposed', artifacts: [{ type: 'note', body: write(noteContract, { text: answer?.value.word ?? '' }), evidence: [], confidence: 1, freshAtMs: request.requestedAtMs, refs: [document] }] };
    },
  };
  fixture.fact('StepRequested', { job: testJob(1), step: 'one', agent: 'noop', attempt: 1, delivery: 'reference' });
  const running = await runAgents({ agents: [agent], log: fixture.store.open(), codec: fixture.codec, keyring, topics: fixture.topics, gateway: { url }, logger: createLogger({ service: 'test' }) });
  context.after(() => running.drain());
  await until(() => fixture.claims().length === 1, 'the claim');
  const claim = fixture.claims()[0] as { type: string; artifacts: { body: { hash: string; encoding: string; bytes: Buffer }; refs: string[] }[]; receipts: { hashes: string[] }[]; usage: object; modelId: string };
  const [artifact] = claim.artifacts;
  assert.ok(artifact !== undefined);
  assert.deepEqual([artifact.body.encoding, artifact.body.bytes.length, claim.modelId], ['reference', 0, 'm-1']);
  assert.deepEqual({ ...claim.usage }, usage);
  assert.ok(bodies.has(artifact.body.hash) && artifact.refs.length === 1);
  assert.deepEqual(claim.receipts.flatMap((receipt) => receipt.hashes), [...artifact.refs, artifact.body.hash]);
});
