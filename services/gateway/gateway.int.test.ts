import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Fact } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { contentHash } from '../blackboard/ids.js';
import { gatewayRequestText, proofHeaders, receiptText, type AttemptName } from '../blackboard/signed-text.js';
import { openDiskBodyStore } from '../runtime/bodies/disk-body-store.js';
import type { BodyStore } from '../runtime/body-store.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { BlackboardError } from '../runtime/errors.js';
import { Keyring } from '../runtime/keyring.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import type { ModelAsk } from './server.js';
import { startGateway, type Gateway } from './start-gateway.js';
import { attemptFailed, checkpointed, epochStarted, jobEnded, jobOf, stepRequested, verificationRequested } from './testing-facts.js';
import { signedHeaders } from './testing-proof.js';

const topics = topicNames('test.');
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const logs = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 2 }] });
const log = logs.open();
const keyOf = (principal: string, secret = randomBytes(32)) => ({ principal, keyId: 'k1', secret });
const keyring = new Keyring(['gateway', 'researcher', 'writer', 'verifier', 'ingress'].map((principal) => keyOf(principal)));
const forger = new Keyring([keyOf('researcher'), keyOf('ingress')]);
let storeIsDown = false;
let disk: BodyStore;
let folder: string;
/** The disk store, that can be cut off. */
const bodies: BodyStore = {
  put: (put) => (storeIsDown ? Promise.reject(new Error('down')) : disk.put(put)),
  get: (hash) => (storeIsDown ? Promise.reject(new Error('down')) : disk.get(hash)),
  close: () => disk.close(),
};
let answers = true;
const models = async (ask: ModelAsk) => {
  if (!answers) throw new BlackboardError('MODEL_UNAVAILABLE', 'no model', { usage: { modelCalls: 2, inputTokens: 1, outputTokens: 0, costMicros: 5 } });
  return { value: { echo: ask.user }, modelId: 'm', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 1, outputTokens: 1, costMicros: 0 } };
};
let gateway: Gateway;
let next = 0;

/** Appends facts of one decision to partition 0 and answers the offset of the first. */
async function say(...facts: readonly Fact[]): Promise<number> {
  const { baseOffset } = await log.append({ topic: topics.verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) });
  return baseOffset;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-test-'));
  disk = await openDiskBodyStore(folder);
  await say(epochStarted(), checkpointed({ timeMs: 1000 }));
  gateway = await startGateway({ log, codec, keyring, topics, bodies, models, port: 0, host: '127.0.0.1', logger: createLogger({ service: 'gateway' }), waitMsMax: 300 });
});

after(async () => {
  await gateway.close();
  await log.close();
  await disk.close();
  await rm(folder, { recursive: true });
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly as?: string;
  readonly with?: Keyring;
  readonly name: AttemptName;
  readonly atMs?: number;
  /** Sent to this path instead of the one that was signed. */
  readonly sentTo?: string;
  readonly type?: string;
}

async function send(sent: Sent): Promise<{ status: number; bytes: Buffer; json: Record<string, unknown>; retryAfter: string | null }> {
  const headers = signedHeaders(sent.with ?? keyring, { as: 'researcher', ...sent });
  if (sent.body !== undefined) headers['content-type'] = sent.type ?? 'application/octet-stream';
  const response = await fetch(gateway.url + (sent.sentTo ?? sent.path), { method: sent.method, headers, ...(sent.body === undefined ? {} : { body: new Uint8Array(sent.body) }) });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, bytes, json: isJson ? JSON.parse(bytes.toString()) as Record<string, unknown> : {}, retryAfter: response.headers.get('retry-after') };
}

const frame = (...all: readonly Buffer[]): Buffer => Buffer.concat(all.flatMap((body) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return [length, body];
}));
const get = (hash: string, name: AttemptName, over: Partial<Sent> = {}) => send({ method: 'GET', path: `/v1/bodies/${hash}`, name, ...over });
const put = (body: Buffer, name: AttemptName, over: Partial<Sent> = {}) => send({ method: 'PUT', path: '/v1/bodies', body, name, ...over });

async function openAttempt(over: Partial<Parameters<typeof stepRequested>[0]> = {}): Promise<AttemptName> {
  const job = jobOf(`job ${next += 1}`);
  const offset = await say(stepRequested({ job, expiresAtMs: 9000, ...over }));
  return { job, instance: 5, step: over.step ?? 'research', attempt: over.attempt ?? 1, request: `v/0/${offset}` };
}

test('a put answers hashes and a receipt that anyone with the key can check, and the body comes back to its producer', async () => {
  // Steps that a plan expanded into have a slash in their name.
  const name = await openAttempt({ step: 'research/1' });
  const [one, two] = [randomBytes(100), Buffer.alloc(0)];
  const answer = await put(frame(one, two), name);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json['hashes'], [contentHash(one), contentHash(two)]);
  const receipt = answer.json['receipt'] as { kind: string; hashes: string[]; signer: string; atMs: number; signature: string };
  assert.equal(keyring.verify(receipt.signer, Buffer.from(receipt.signature, 'hex'), receiptText(receipt, 'researcher', name)), true);
  const back = await get(contentHash(one), name);
  assert.deepEqual([back.status, back.bytes], [200, one]);
});

test('a put tells nothing of whether the body was there', async () => {
  const body = frame(randomBytes(50));
  const [first, second] = [await put(body, await openAttempt()), await put(body, await openAttempt())];
  assert.deepEqual([first.status, first.json['hashes'], Object.keys(first.json)], [second.status, second.json['hashes'], Object.keys(second.json)]);
});

test('refuses a forged signature, a missing proof, and a signature made for another path, method or time', async () => {
  const name = await openAttempt();
  const body = frame(Buffer.from('x'));
  assert.deepEqual(pick(await put(body, name, { with: forger })), [401, 'GATEWAY_REFUSED', 'bad-signature']);
  assert.deepEqual(pick(await get('a'.repeat(64), name, { sentTo: `/v1/bodies/${'b'.repeat(64)}` })), [401, 'GATEWAY_REFUSED', 'bad-signature']);
  assert.deepEqual(pick(await put(body, name, { method: 'POST', sentTo: '/v1/models/ask' })), [415, 'INPUT_INVALID', undefined]);
  assert.deepEqual(pick(await put(body, name, { atMs: Date.now() - 301_000 })), [401, 'GATEWAY_REFUSED', 'clock-skew']);
  assert.equal((await fetch(`${gateway.url}/v1/bodies`, { method: 'PUT', body: new Uint8Array(body), headers: { 'content-type': 'application/octet-stream' } })).status, 401);
  assert.equal((await get('a'.repeat(64), { ...name, request: 'v/0/1 2' })).status, 401);
});

test('a copy of a request with another body does not pass', async () => {
  const name = await openAttempt();
  const [signed, sent] = [frame(Buffer.from('signed')), frame(Buffer.from('forged'))];
  const signer = 'researcher#k1';
  const atMs = Date.now();
  const signature = keyring.sign(signer, gatewayRequestText(name, signer, atMs, { method: 'PUT', path: '/v1/bodies', body: signed })).toString('hex');
  const values = { signer, signature, atMs: String(atMs), job: name.job, instance: '5', step: name.step, attempt: '1', request: name.request };
  const headers = Object.fromEntries(Object.entries(values).map(([field, value]) => [proofHeaders[field as keyof typeof proofHeaders], value]));
  const response = await fetch(`${gateway.url}/v1/bodies`, { method: 'PUT', body: new Uint8Array(sent), headers: { ...headers, 'content-type': 'application/octet-stream' } });
  assert.equal(response.status, 401);
  assert.equal(await disk.get(contentHash(Buffer.from('forged'))), null);
});

test('refuses a foreign principal, a closed attempt and an expired capability by name', async () => {
  const name = await openAttempt();
  const body = frame(Buffer.from('x'));
  assert.deepEqual(pick(await put(body, name, { as: 'writer' })), [403, 'GATEWAY_REFUSED', 'foreign-principal']);
  await say(attemptFailed({ job: name.job }));
  await caughtUp();
  assert.deepEqual(pick(await put(body, name)), [403, 'GATEWAY_REFUSED', 'attempt-not-open']);
  const expired = await openAttempt({ expiresAtMs: 1000 });
  assert.deepEqual(pick(await put(body, expired)), [403, 'GATEWAY_REFUSED', 'capability-expired']);
});

test('what is missing, not opened, of a closed attempt or of a foreign one gets one and the same answer', async () => {
  const name = await openAttempt();
  const hash = contentHash(Buffer.from('secret'));
  await disk.put([{ hash, bytes: Buffer.from('secret') }]);
  const missing = await get('c'.repeat(64), { ...name });
  const opensMissing = await get('d'.repeat(64), await openAttempt({ inputs: ['d'.repeat(64)] }));
  const notOpened = await get(hash, name);
  const foreign = await get(hash, name, { as: 'writer' });
  await say(attemptFailed({ job: name.job }));
  await caughtUp();
  const closed = await get(hash, name);
  for (const answer of [missing, opensMissing, notOpened, foreign, closed]) {
    assert.equal(answer.status, 404);
    assert.equal(answer.bytes.toString(), missing.bytes.toString());
  }
});

test('a candidate is found by the verifier it was shown to and by nobody else', async () => {
  const name = await openAttempt();
  const canary = Buffer.from('canary');
  await put(frame(canary), name);
  const hash = contentHash(canary);
  const offset = await say(verificationRequested({ job: name.job, candidates: [hash], expiresAtMs: 9000 }));
  const shown = { ...name, request: `v/0/${offset}` };
  assert.deepEqual((await get(hash, shown, { as: 'verifier' })).bytes, canary);
  for (const as of ['researcher', 'writer', 'ingress']) assert.equal((await get(hash, shown, { as })).status, 404);
  assert.equal((await get(hash, await openAttempt())).status, 404);
});

test('ingress reads the result of an ended job, and nothing else of it', async () => {
  const name = await openAttempt();
  const [result, other] = [Buffer.from('result'), Buffer.from('other')];
  await put(frame(result, other), name);
  await say(jobEnded({ job: name.job, hash: contentHash(result) }));
  const ended: AttemptName = { job: name.job, instance: 5, step: '', attempt: 0, request: '' };
  assert.deepEqual((await get(contentHash(result), ended, { as: 'ingress' })).bytes, result);
  assert.equal((await get(contentHash(other), ended, { as: 'ingress' })).status, 404);
  assert.equal((await get(contentHash(result), ended, { as: 'researcher' })).status, 404);
  assert.equal((await get(contentHash(result), { ...ended, instance: 6 }, { as: 'ingress' })).status, 404);
});

test('a request that comes before its fact has been read waits for it, and not for ever', async () => {
  const [range] = await log.ranges(topics.verified);
  const job = jobOf('early');
  const early = { job, instance: 5, step: 'research', attempt: 1, request: `v/0/${range?.next ?? 0}` };
  const waiting = put(frame(Buffer.from('early')), early);
  await say(stepRequested({ job, expiresAtMs: 9000 }));
  assert.equal((await waiting).status, 200);
  const never = await put(frame(Buffer.from('never')), { ...early, request: 'v/1/7' });
  assert.deepEqual([never.status, never.json['code'], never.retryAfter], [503, 'GATEWAY_UNAVAILABLE', '1']);
});

test('a fact of a stale epoch opens nothing', async () => {
  const job = jobOf('stale');
  const offset = await say({ ...stepRequested({ job, expiresAtMs: 9000 }), epoch: 7777 });
  assert.deepEqual(pick(await put(frame(Buffer.from('x')), { job, instance: 5, step: 'research', attempt: 1, request: `v/0/${offset}` })), [403, 'GATEWAY_REFUSED', 'attempt-not-open']);
});

test('refuses frames that are empty, cut short, too many or too large, and a body beyond the limit of the door', async () => {
  const name = await openAttempt();
  const rule = async (body: Buffer): Promise<unknown> => {
    const answer = await put(body, name);
    return [answer.status, answer.json['rule']];
  };
  assert.deepEqual(await rule(Buffer.alloc(0)), [400, 'empty']);
  assert.deepEqual(await rule(Buffer.from([0, 0, 0])), [400, 'cut-short']);
  assert.deepEqual(await rule(Buffer.from([0, 0, 0, 9, 1])), [400, 'cut-short']);
  assert.deepEqual(await rule(Buffer.from([255, 255, 255, 255, 1])), [413, 'body-too-large']);
  assert.deepEqual(await rule(frame(...Array.from({ length: 257 }, () => Buffer.from('x')))), [400, 'too-many-bodies']);
  assert.equal(await announce(33 * 1024 * 1024, name), 413);
});

test('a store that is down is a 503, never a 404 or a receipt', async () => {
  const name = await openAttempt({ inputs: ['e'.repeat(64)] });
  storeIsDown = true;
  try {
    assert.deepEqual([(await get('e'.repeat(64), name)).status, (await put(frame(Buffer.from('x')), name)).status], [503, 503]);
  } finally {
    storeIsDown = false;
  }
});

test('a model is asked under an open attempt only, with strict JSON of known fields', async () => {
  const name = await openAttempt();
  const ask = (text: string, over: Partial<Sent> = {}) => send({ method: 'POST', path: '/v1/models/ask', body: Buffer.from(text), type: 'application/json', name, ...over });
  const good = JSON.stringify({ system: 's', user: 'u', name: 'answer', schema: { type: 'object' } });
  assert.deepEqual((await ask(good)).json['value'], { echo: 'u' });
  assert.deepEqual(pick(await ask(good, { as: 'writer' })), [403, 'GATEWAY_REFUSED', 'foreign-principal']);
  assert.deepEqual((await ask('{"system":"s","system":"t"}')).json['rule'], 'duplicate-key');
  assert.deepEqual((await ask(`${good.slice(0, -1)},"x":1}`)).status, 400);
  answers = false;
  const failed = await ask(good);
  answers = true;
  assert.deepEqual([failed.status, failed.json['code'], (failed.json['usage'] as { modelCalls: number }).modelCalls], [502, 'MODEL_UNAVAILABLE', 2]);
});

test('says what it can do and how it is, and answers other routes and broken URLs with the same shape of error', async () => {
  assert.deepEqual(await (await fetch(`${gateway.url}/v1/capabilities`)).json(), { model: true });
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
  for (const path of ['/nothing', '/v1/bodies/%zz', '/v1/bodies/../../etc/passwd']) {
    const response = await fetch(gateway.url + path);
    assert.ok(response.status >= 400 && response.status < 500, path);
    assert.deepEqual(Object.keys(await response.json() as object).slice(0, 3), ['code', 'message', 'hint']);
  }
});

function pick(answer: { readonly status: number; readonly json: Record<string, unknown> }): unknown {
  return [answer.status, answer.json['code'], answer.json['reason']];
}

/** A request that waits for the newest record, so that all before it has been read. */
async function caughtUp(): Promise<void> {
  await put(frame(Buffer.from('mark')), await openAttempt());
}

/** Announces a body of so many bytes with a good proof, and sends none of it: the door must refuse by the length alone. */
function announce(length: number, name: AttemptName): Promise<number> {
  const signer = 'researcher#k1';
  const headers = { [proofHeaders.signer]: signer, [proofHeaders.signature]: '0'.repeat(64), [proofHeaders.atMs]: String(Date.now()), [proofHeaders.job]: name.job, [proofHeaders.instance]: '5', [proofHeaders.step]: name.step, [proofHeaders.attempt]: '1', [proofHeaders.request]: name.request };
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${gateway.url}/v1/bodies`, { method: 'PUT', headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': length } }, (response) => {
      resolve(response.statusCode ?? 0);
      response.resume();
      request.destroy();
    });
    request.on('error', reject);
    request.flushHeaders();
  });
}
