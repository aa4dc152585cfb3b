import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VerdictsPosted } from '../../../schemas/generated/events.js';
import { projectRoot } from '../project-root.js';
import { embeddedCodec } from './embedded-codec.js';

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
  assert.ok(performance.now() - startedMs < 100);
});
