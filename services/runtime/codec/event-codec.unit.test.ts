import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { messageClassOf, type EventType, type VerdictsPosted } from '../../../schemas/generated/events.js';
import { composeSchemas } from '../../../schemas/compose.js';
import { readFixtures } from '../../../schemas/read-fixtures.js';
import { projectRoot } from '../project-root.js';
import { embeddedCodec } from './embedded-codec.js';
import { EventCodec, parseSchema } from './event-codec.js';

const codec = embeddedCodec(join(projectRoot, 'schemas'));
const claim: VerdictsPosted = {
  type: 'VerdictsPosted', step: 's', agent: 'a', epoch: -1, cause: -1, tenant: 't', job: '', instance: -1, attempt: 1, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: 'a#k', atMs: 0, trace: '', requestOffset: 1, verdicts: [],
  usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 }, fallbackTaken: '', signature: Buffer.alloc(0),
};

test('gives back what was encoded', () => {
  const decoded = codec.decode(codec.encode(claim));
  assert.ok(decoded.ok);
  assert.deepEqual({ ...decoded.event }, { ...claim, usage: (decoded.event as VerdictsPosted).usage });
});

test('refuses each cut of a record, and a record with bytes left over', () => {
  const value = codec.encode(claim);
  for (let length = 0; length < value.length; length += 1) assert.equal(codec.decode(value.subarray(0, length)).ok, false, `cut at ${length}`);
  assert.deepEqual({ ...codec.decode(Buffer.concat([value, Buffer.of(0)])) }, { ok: false, reason: 'trailing-bytes', schemaId: value.readInt32BE(1) });
});

test('refuses a count of items that the record has no bytes for at once, before anything is built', () => {
  const value = codec.encode(claim);
  // The empty list of verdicts stands before usage (4), fallbackTaken (1) and signature (1), one byte each.
  const at = value.length - 7;
  assert.equal(value[at], 0);
  const hundredMillion = Buffer.from([0x80, 0x84, 0xaf, 0x5f]);
  const startedMs = performance.now();
  assert.deepEqual({ ...codec.decode(Buffer.concat([value.subarray(0, at), hundredMillion, value.subarray(at)])) }, { ok: false, reason: 'not-avro', schemaId: value.readInt32BE(1) });
  assert.ok(performance.now() - startedMs < 1_000);
});

test('peeks at the time of facts of every type and of every released version as it decodes it', () => {
  const values = readFixtures(join(projectRoot, 'schemas')).flatMap((version) => version.fixtures).filter(({ event }) => messageClassOf[event as EventType] === 'fact').map(({ avro, event }) => {
    const type = parseSchema(avro);
    const id = type.fingerprint('sha256').readInt32BE(0) & 0x7fffffff;
    const frame = Buffer.alloc(5);
    frame.writeInt32BE(id, 1);
    return Buffer.concat([frame, type.toBuffer({ ...(type.random() as object), type: event, atMs: 1_790_000_000_000 + event.length })]);
  });
  assert.ok(values.length > 15);
  for (const value of values) assert.equal(codec.peekAtMs(value), codec.decodeFact(value).atMs);
  assert.throws(() => codec.peekAtMs(Buffer.from([0, 1, 2, 3, 4, 5])), /cannot be decoded/);
});

test('peeks at garbage in no time, whatever length it claims for its texts', { timeout: 5_000 }, () => {
  const frame = codec.encode({ ...claim }).subarray(0, 5);
  for (let bits = 0; bits < 64; bits += 1) {
    for (const odd of [0n, 1n]) {
      const length: number[] = [];
      for (let rest = (1n << BigInt(bits)) | odd; ; rest >>= 7n) {
        length.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
        if (rest <= 0x7fn) break;
      }
      const value = Buffer.concat([frame, Buffer.from(length), Buffer.alloc(20, 0xff)]);
      assert.equal(codec.peek(value)?.type, 'VerdictsPosted');
      assert.equal(typeof codec.peekAgent(value), 'string');
    }
  }
});

test('signs in place whatever the length of the signature, and digests as hex what it digests as bytes', () => {
  for (const length of [0, 1, 31, 32, 33, 64, 200]) {
    const signature = Buffer.alloc(length, 7);
    const value = codec.encodeSigned(claim, (_, body) => { assert.ok(codec.encode(claim).subarray(5, -1).equals(body)); return signature; });
    assert.ok(value.equals(codec.encode({ ...claim, signature })), String(length));
    assert.equal(codec.digestHex(value), codec.digest(value).toString('hex'));
    assert.equal(codec.digestHex(value), createHash('sha256').update(codec.fingerprintOf('VerdictsPosted')).update(value.subarray(5)).digest('hex'));
  }
  for (const value of [Buffer.alloc(0), Buffer.from([1, 2, 3, 4, 5, 6]), Buffer.alloc(20_000)]) assert.equal(codec.digestHex(value), createHash('sha256').update(value).digest('hex'));
  const large = codec.encode({ ...claim, tenant: 'é'.repeat(20_000) });
  assert.equal(codec.digestHex(large), createHash('sha256').update(codec.fingerprintOf('VerdictsPosted')).update(large.subarray(5)).digest('hex'));
});

test('reads no record by an id that no registry gives, not even one under which it writes itself', () => {
  const own = new EventCodec();
  composeSchemas(join(projectRoot, 'schemas')).forEach(({ name, avro }, index) => { own.define(name as EventType, avro, -1 - index); });
  const value = own.encode(claim);
  const schemaId = value.readInt32BE(1);
  assert.ok(schemaId < 0);
  assert.deepEqual({ ...own.decode(value) }, { ok: false, reason: 'unknown-schema-id', schemaId });
  assert.deepEqual([own.knows(schemaId), own.schemaOf(schemaId), own.peek(value)], [false, null, null]);
  assert.ok(own.digest(value).equals(createHash('sha256').update(value).digest()), 'as of any schema that nobody knows');
  assert.throws(() => own.decodeFact(value), { code: 'SCHEMA_UNKNOWN' });
  assert.throws(() => { own.learn(-7, { type: 'record', name: 'VerdictsPosted', fields: [] }); }, { code: 'SCHEMA_UNKNOWN' });
  assert.deepEqual((own.decodeOwn('VerdictsPosted', value) as VerdictsPosted).requestOffset, 1);
});
