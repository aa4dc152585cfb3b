// Signed claims byte for byte, for whoever produces to quarantine without our code: an implementation that makes the
// same bytes from the same input is right. UPDATE_VECTORS=1 writes the file again; a vector that was published stays.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Claim } from './generated/events.js';
import { jobId } from '../services/blackboard/ids.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { signedPart } from '../services/runtime/codec/event-codec.js';
import { Keyring } from '../services/runtime/keyring.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import { projectRoot } from '../services/runtime/project-root.js';

interface Vector {
  readonly name: string;
  /** The event; bytes are left out. */
  readonly event: Readonly<Record<string, unknown>>;
  readonly key: { readonly principal: string; readonly keyId: string; readonly secretHex: string };
  readonly recordKey: string;
  /** By number of partitions: Java's murmur2 of the record key. */
  readonly partition: Readonly<Record<string, number>>;
  /** SHA-256 of the schema's parsing canonical form. */
  readonly fingerprintHex: string;
  /** Avro body up to the signature field: signed is HMAC-SHA256(secret, fingerprint + this). */
  readonly bodyHex: string;
  readonly signatureHex: string;
  /** The record's value: 0, four bytes of schema id, body, length of the signature (Avro), signature. The id shown is that of the embedded log; with a registry it is the one that the registry gave. */
  readonly valueHex: string;
}

const path = join(projectRoot, 'schemas/fixtures/signed-vectors.json');
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const key = { principal: 'upstream-acme', keyId: 'k1', secret: Buffer.from(Array.from({ length: 32 }, (_, index) => index)) };
const keyring = new Keyring([key]);
const envelope = {
  step: '', agent: '', epoch: -1, cause: -1, instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '', workflowVersion: '', policyVersion: '', promptHash: '', modelId: '',
  signer: 'upstream-acme#k1', atMs: 1_760_000_000_000, trace: '', signature: Buffer.alloc(0),
};
const inputs: readonly (readonly [string, Claim])[] = [
  ['a submission', { ...envelope, type: 'JobSubmitted', tenant: 'acme', job: jobId('acme', 'order-1'), idempotencyKey: 'order-1', workflow: 'noop', params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '' }],
  ['a submission with text beyond ASCII, parameters and limits', {
    ...envelope, type: 'JobSubmitted', tenant: 'Äcme & Söhne', job: jobId('Äcme & Söhne', 'Nr. 7 🧊'), idempotencyKey: 'Nr. 7 🧊', workflow: 'brief', params: '{"docs":"manuals","question":"Was hält es kühl?"}',
    deadlineMs: 90_000, costCapMicros: 2_500_000, goal: 'ein Überblick', correlation: 'ticket-42', onBehalfOf: 'ada', trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }],
  ['a cancellation', { ...envelope, type: 'CancelRequested', tenant: 'acme', job: jobId('acme', 'order-1'), reason: 'no longer needed' }],
];

function vectorOf(name: string, event: Claim): Vector {
  const value = codec.encodeSigned(event, (fingerprint, body) => keyring.sign('upstream-acme#k1', fingerprint, body));
  const recordKey = event.job;
  return {
    name, event: Object.fromEntries(Object.entries(event).filter(([field]) => field !== 'signature')), key: { principal: key.principal, keyId: key.keyId, secretHex: key.secret.toString('hex') },
    recordKey, partition: Object.fromEntries([4, 64].map((partitions) => [partitions, partitionFor(Buffer.from(recordKey), partitions)])),
    fingerprintHex: codec.fingerprintOf(event.type).toString('hex'), bodyHex: signedPart(value.subarray(5), 32).toString('hex'), signatureHex: value.subarray(-32).toString('hex'), valueHex: value.toString('hex'),
  };
}

if (process.env['UPDATE_VECTORS'] === '1') writeFileSync(path, `${JSON.stringify(inputs.map(([name, event]) => vectorOf(name, event)), null, 2)}\n`);
const vectors = JSON.parse(readFileSync(path, 'utf8')) as readonly Vector[];

describe('signed test vectors', () => {
  it('are what this version makes of the same input', () => {
    assert.deepEqual(vectors, inputs.map(([name, event]) => vectorOf(name, event)));
  });

  for (const vector of vectors) {
    it(`${vector.name}: decodes, bears its signer's signature, and lies where its key says`, () => {
      const decoded = codec.decode(Buffer.from(vector.valueHex, 'hex'));
      assert.ok(decoded.ok);
      const claim = decoded.event as Claim;
      assert.deepEqual(JSON.parse(JSON.stringify({ ...claim, signature: undefined })), vector.event);
      assert.ok(keyring.verify(claim.signer, claim.signature, decoded.schema.fingerprint, signedPart(decoded.body, claim.signature.length)));
      // By hand, as a foreign producer does it.
      const signature = createHmac('sha256', Buffer.from(vector.key.secretHex, 'hex')).update(Buffer.from(vector.fingerprintHex, 'hex')).update(Buffer.from(vector.bodyHex, 'hex')).digest('hex');
      assert.equal(signature, vector.signatureHex);
      assert.equal(`${vector.valueHex.slice(0, 10)}${vector.bodyHex}40${signature}`, vector.valueHex);
      if (claim.type === 'JobSubmitted') assert.equal(vector.recordKey, jobId(claim.tenant, claim.idempotencyKey));
    });
  }
});
