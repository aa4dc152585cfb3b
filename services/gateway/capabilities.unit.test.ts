import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeSchemas } from '../../schemas/compose.js';
import type { Fact } from '../../schemas/generated/events.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { parseSchema } from '../runtime/codec/event-codec.js';
import { projectRoot } from '../runtime/project-root.js';
import { authorize, type Asked, type Proof } from './authorize.js';
import { emptyCapabilities, foldCapabilities, foldRecord, resultOf } from './capabilities.js';
import { attemptFailed, checkpointed, jobEnded, jobOf, rejected, stepCompleted, stepRequested, verificationRequested } from './testing-facts.js';

const job = jobOf('one');
const [input, ref, candidate, draft] = ['1', '2', '3', '4'].map((digit) => digit.repeat(64)) as [string, string, string, string];
const get = (hash: string): Asked => ({ act: 'get', hash });
const put: Asked = { act: 'put', bodies: 1, bytes: 10 };

function proofOf(principal: string, request: string, over: Partial<Proof> & { step?: string; attempt?: number } = {}): Proof {
  return { principal, valid: true, atMs: 0, name: { job, instance: 5, step: over.step ?? 'research', attempt: over.attempt ?? 1, request }, ...(over.valid === undefined ? {} : { valid: over.valid }), ...(over.atMs === undefined ? {} : { atMs: over.atMs }) };
}

function asked(): ReturnType<typeof emptyCapabilities> {
  const board = emptyCapabilities();
  foldCapabilities(board, checkpointed({ timeMs: 1000 }), { partition: 2, offset: 1 });
  foldCapabilities(board, stepRequested({ job, inputs: [input], refs: [ref], expiresAtMs: 9000 }), { partition: 2, offset: 2 });
  return board;
}

test('a request opens its inputs, what belongs to them, puts and models for its principal', () => {
  const board = asked();
  for (const act of [get(input), get(ref), put, { act: 'ask', question: '1:x' } as const]) assert.equal(authorize(proofOf('researcher', 'v/2/2'), act, board, 0).allowed, true);
  assert.deepEqual(authorize(proofOf('researcher', 'v/2/2'), get(candidate), board, 0), { allowed: false, reason: 'not-opened' });
});

test('refuses another principal, attempt, request, an old or future time and a signature that does not fit', () => {
  const board = asked();
  const reason = (proof: Proof): string => {
    const decision = authorize(proof, put, board, 0);
    return decision.allowed ? 'allowed' : decision.reason;
  };
  assert.equal(reason(proofOf('writer', 'v/2/2')), 'foreign-principal');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { attempt: 2 })), 'wrong-attempt');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { step: 'write' })), 'wrong-attempt');
  assert.equal(reason(proofOf('researcher', 'v/2/3')), 'attempt-not-open');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { atMs: 300_001 })), 'clock-skew');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { atMs: -300_001 })), 'clock-skew');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { atMs: Number.NaN })), 'clock-skew');
  assert.equal(reason(proofOf('researcher', 'v/2/2', { valid: false })), 'bad-signature');
});

test('a capability expires in the time of its partition, not by the clock and not by that of another partition', () => {
  const board = asked();
  foldCapabilities(board, checkpointed({ timeMs: 9000 }), { partition: 3, offset: 1 });
  assert.equal(authorize(proofOf('researcher', 'v/2/2'), put, board, 100).allowed, true);
  foldCapabilities(board, checkpointed({ timeMs: 9000 }), { partition: 2, offset: 3 });
  assert.deepEqual(authorize(proofOf('researcher', 'v/2/2'), put, board, 0), { allowed: false, reason: 'capability-expired' });
});

test('a candidate is opened for the verifier it was shown to; its producer has answered and nobody else finds it', () => {
  const board = asked();
  foldCapabilities(board, verificationRequested({ job, candidates: [candidate], refs: [ref], expiresAtMs: 9000 }), { partition: 2, offset: 3 });
  assert.equal(authorize(proofOf('verifier', 'v/2/3'), get(candidate), board, 0).allowed, true);
  assert.equal(authorize(proofOf('verifier', 'v/2/3'), get(ref), board, 0).allowed, true);
  assert.deepEqual(authorize(proofOf('researcher', 'v/2/2'), get(candidate), board, 0), { allowed: false, reason: 'attempt-not-open' });
  assert.deepEqual(authorize(proofOf('researcher', 'v/2/3'), get(candidate), board, 0), { allowed: false, reason: 'foreign-principal' });
});

test('a failed attempt, a completed step and the end of the job close what they concern', () => {
  const facts = [attemptFailed({ job }), stepCompleted({ job }), jobEnded({ job, hash: draft })];
  for (const fact of facts) {
    const board = asked();
    foldCapabilities(board, fact, { partition: 2, offset: 3 });
    assert.deepEqual(authorize(proofOf('researcher', 'v/2/2'), put, board, 0), { allowed: false, reason: 'attempt-not-open' }, fact.type);
  }
});

test('a closing fact of another step or life of the job leaves the attempt open', () => {
  const board = asked();
  foldCapabilities(board, stepCompleted({ job, step: 'write' }), { partition: 2, offset: 3 });
  foldCapabilities(board, stepCompleted({ job, instance: 6 }), { partition: 2, offset: 4 });
  assert.equal(authorize(proofOf('researcher', 'v/2/2'), put, board, 0).allowed, true);
});

test('a refused draft stays readable for its producer in the next attempt, and for no other principal', () => {
  const board = asked();
  foldCapabilities(board, rejected({ job, hash: draft, producer: 'researcher' }), { partition: 2, offset: 3 });
  foldCapabilities(board, stepRequested({ job, attempt: 2, expiresAtMs: 9000 }), { partition: 2, offset: 4 });
  assert.equal(authorize(proofOf('researcher', 'v/2/4', { attempt: 2 }), get(draft), board, 0).allowed, true);
  foldCapabilities(board, stepRequested({ job, attempt: 3, principal: 'writer', expiresAtMs: 9000 }), { partition: 2, offset: 5 });
  assert.deepEqual(authorize(proofOf('writer', 'v/2/5', { attempt: 3 }), get(draft), board, 0), { allowed: false, reason: 'not-opened' });
});

test('the result of an ended job is read by a principal with the role ingress alone, for the remember window', () => {
  const board = asked();
  foldCapabilities(board, jobEnded({ job, hash: draft, atMs: 2000 }), { partition: 2, offset: 3 });
  const read = (principal: string, hash: string): boolean => authorize(proofOf(principal, '', { step: '', attempt: 0 }), get(hash), board, 0).allowed;
  assert.equal(read('ingress', draft), true);
  assert.equal(read('ingress', input), false);
  assert.equal(read('researcher', draft), false);
  foldCapabilities(board, checkpointed({ timeMs: 2000 + 60_001 }), { partition: 2, offset: 4 });
  assert.equal(read('ingress', draft), false);
});

test('memory is bounded: ended jobs leave no grants, and results are dropped oldest first', () => {
  const board = emptyCapabilities(100);
  foldCapabilities(board, checkpointed({ timeMs: 1 }), { partition: 0, offset: 0 });
  for (let n = 0; n < 110; n += 1) {
    const id = jobOf(`job ${n}`);
    foldCapabilities(board, stepRequested({ job: id, expiresAtMs: 9000 }), { partition: 0, offset: 2 * n + 1 });
    foldCapabilities(board, jobEnded({ job: id, hash: draft }), { partition: 0, offset: 2 * n + 2 });
  }
  assert.deepEqual([board.jobs.size, board.byRequest.size, board.results.size], [0, 0, 100]);
  assert.equal(resultOf(board, jobOf('job 0'), 5), null);
  assert.equal(resultOf(board, jobOf('job 10'), 5)?.hash, draft);
});

test('folds a record as it folds the whole fact, also those types of which it reads the time alone', () => {
  const codec = embeddedCodec(join(projectRoot, 'schemas'));
  const types = composeSchemas(join(projectRoot, 'schemas')).filter(({ messageClass }) => messageClass === 'fact').map(({ name, avro }) => ({ name, type: parseSchema(avro) }));
  assert.ok(types.length > 15);
  for (const { name, type } of types) {
    const fact = { ...(type.random() as object), type: name, job, instance: 5, step: 'research', attempt: 1, atMs: 1_790_000_000_000, policy: '{"rememberMs":7}' } as unknown as Fact;
    const value = codec.encode(fact);
    const [byRecord, byFact] = [asked(), asked()];
    foldRecord(byRecord, { type: fact.type, peekAtMs: () => codec.peekAtMs(value), decode: () => codec.decodeFact(value) as Fact }, { partition: 2, offset: 3 });
    foldCapabilities(byFact, fact, { partition: 2, offset: 3 });
    assert.deepEqual(byRecord, byFact, name);
  }
});
