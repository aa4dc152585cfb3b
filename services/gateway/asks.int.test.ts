// A question to a model is asked and paid once, whatever happens to the connections of those who wait for its answer.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import type { AttemptName } from '../blackboard/signed-text.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { BlackboardError } from '../runtime/errors.js';
import { Keyring } from '../runtime/keyring.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { until } from '../testing/log-contract-rig.js';
import { Asks } from './asks.js';
import { gatewayLimits } from './authorize.js';
import type { ModelAsk, ModelReply } from './server.js';
import { startGateway, type Gateway } from './start-gateway.js';
import { attemptFailed, checkpointed, epochStarted, jobOf, stepRequested } from './testing-facts.js';
import { signedHeaders } from './testing-proof.js';

const topics = topicNames('test.');
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const log = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 1 }] }).open();
const keyring = new Keyring(['gateway', 'researcher'].map((principal) => ({ principal, keyId: 'k1', secret: randomBytes(32) })));
const usage = { modelCalls: 1, inputTokens: 1, outputTokens: 1, costMicros: 7 };

interface Asked {
  readonly user: string;
  readonly signal: AbortSignal;
  answer(): void;
  fail(error: Error): void;
}
/** What the model was asked; each waits to be answered. */
let asked: Asked[] = [];
const models = (ask: ModelAsk, signal: AbortSignal): Promise<ModelReply> => new Promise((resolve, reject) => {
  const number = asked.length + 1;
  asked.push({ user: ask.user, signal, answer: () => resolve({ value: { number }, modelId: 'm', fallbackTaken: '', usage }), fail: reject });
  signal.addEventListener('abort', () => reject(new BlackboardError('MODEL_UNAVAILABLE', 'cancelled', { usage })));
});
let gateway: Gateway;
let jobs = 0;

before(async () => {
  await say(epochStarted(), checkpointed({ timeMs: 0 }));
  const bodies = { put: async () => undefined, get: async () => null, close: async () => undefined };
  gateway = await startGateway({ log, codec, keyring, topics, bodies, models, port: 0, host: '127.0.0.1', logger: createLogger({ service: 'gateway' }) });
});
beforeEach(() => { asked = []; });
after(async () => {
  await gateway.close();
  await log.close();
});

async function say(...facts: readonly Fact[]): Promise<number> {
  return (await log.append({ topic: topics.verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) })).baseOffset;
}

async function openAttempt(): Promise<AttemptName> {
  const job = jobOf(`job ${jobs += 1}`);
  return { job, instance: 5, step: 'research', attempt: 1, request: `v/0/${await say(stepRequested({ job, expiresAtMs: 9000 }))}` };
}

async function ask(name: AttemptName, n: number | string, user = 'u', signal: AbortSignal | null = null): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const body = Buffer.from(JSON.stringify({ system: 's', user, name: 'answer', schema: { type: 'object' } }));
  const path = `/v1/models/ask?n=${n}`;
  const headers = { ...signedHeaders(keyring, { method: 'POST', path, body, as: 'researcher', name }), 'content-type': 'application/json' };
  const response = await fetch(gateway.url + path, { method: 'POST', body: new Uint8Array(body), headers, signal });
  return { status: response.status, json: await response.json() as Record<string, unknown> };
}

test('a question whose connection broke is asked once: whoever comes back gets its answer, with what it cost', { timeout: 60_000 }, async () => {
  const name = await openAttempt();
  const cut = new AbortController();
  const first = assert.rejects(ask(name, 1, 'u', cut.signal));
  await until('the model to be asked', () => asked.length === 1);
  cut.abort();
  await first;
  const again = ask(name, 1);
  const third = ask(name, 1);
  asked[0]?.answer();
  for (const { status, json } of [await again, await third, await ask(name, 1)]) assert.deepEqual([status, json['value'], json['usage']], [200, { number: 1 }, usage]);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.signal.aborted, false);
});

test('two of the same at one time are one; another number, another text or another attempt is a question of its own', async () => {
  const [name, other] = [await openAttempt(), await openAttempt()];
  const answers = [ask(name, 1), ask(name, 1), ask(name, 2), ask(name, 1, 'v'), ask(other, 1)];
  await until('the model to be asked', () => asked.length >= 4);
  for (const { answer } of asked) answer();
  const numbers = (await Promise.all(answers)).map(({ json }) => (json['value'] as { number: number }).number);
  assert.equal(numbers[0], numbers[1]);
  assert.equal(new Set(numbers).size, 4);
  assert.equal(asked.length, 4);
});

test('what no model could answer is the answer of all who ask it again, and is charged; a failure of ours is not', async () => {
  const name = await openAttempt();
  const first = ask(name, 1);
  await until('the model to be asked', () => asked.length === 1);
  asked[0]?.fail(new BlackboardError('MODEL_UNAVAILABLE', 'no', { usage }));
  for (const { status, json } of [await first, await ask(name, 1)]) assert.deepEqual([status, json['code'], json['usage']], [502, 'MODEL_UNAVAILABLE', usage]);
  assert.equal(asked.length, 1);
  const broken = ask(name, 2);
  await until('the model to be asked again', () => asked.length === 2);
  asked[1]?.fail(new Error('a bug'));
  assert.equal((await broken).status, 500);
  const repaired = ask(name, 2);
  await until('the model to be asked once more', () => asked.length === 3);
  asked[2]?.answer();
  assert.equal((await repaired).status, 200);
});

test('a question that is known is answered when the attempt may ask no more', async () => {
  const name = await openAttempt();
  const all = Array.from({ length: gatewayLimits.attemptModelCallsMax }, (_, index) => ask(name, index + 1));
  await until('the model to be asked', () => asked.length === all.length);
  for (const { answer } of asked) answer();
  await Promise.all(all);
  assert.equal((await ask(name, 65)).status, 403);
  assert.equal((await ask(name, 64)).status, 200);
  for (const n of ['0', '-1', '1e3', 'x', '']) assert.equal((await ask(name, n)).status, 400, n);
});

test('is taken back at once when its attempt is over and nobody waits', async () => {
  const name = await openAttempt();
  const cut = new AbortController();
  const first = assert.rejects(ask(name, 1, 'u', cut.signal));
  await until('the model to be asked', () => asked.length === 1);
  await say(attemptFailed({ job: name.job }));
  // A fact behind it has been read, so that it has been, too.
  const other = await openAttempt();
  const probe = ask(other, 1);
  await until('the other attempt to be open', () => asked.length === 2);
  cut.abort();
  await first;
  await until('the question to be taken back', () => asked[0]?.signal.aborted === true);
  asked[1]?.answer();
  await probe;
});

test('goes on while its attempt is open, whoever waits, and is taken back when that is over', async () => {
  const name = await openAttempt();
  const cut = new AbortController();
  const first = assert.rejects(ask(name, 1, 'u', cut.signal));
  await until('the model to be asked', () => asked.length === 1);
  cut.abort();
  await first;
  await sleep(2_500);
  assert.equal(asked[0]?.signal.aborted, false);
  await say(attemptFailed({ job: name.job }));
  await until('the question to be taken back', () => asked[0]?.signal.aborted === true);
});

test('keeps so many bytes of answers at most, and forgets the oldest first', async () => {
  const asks = new Asks({ isAnswer: () => true, bytesMax: 2_500 });
  const grant = new Map();
  const never = new AbortController().signal;
  for (const name of ['1', '2', '3']) {
    asks.add(grant, name);
    await grant.get(name).answer({ leaves: never, mayReturn: () => true }, async () => 'x'.repeat(100));
    await new Promise(setImmediate);
  }
  assert.deepEqual([...grant.keys()], ['2', '3']);
});
