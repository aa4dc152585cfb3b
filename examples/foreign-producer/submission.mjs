// A signed JobSubmitted as bytes, with nothing but Node's own modules: what any language must do to write to a
// blackboard's quarantine. submission.py makes the same bytes, and schemas/fixtures/signed-vectors.json has them.
// @ts-check

import { createHash, createHmac } from 'node:crypto';

/**
 * @typedef {object} Submission
 * @property {string} tenant
 * @property {string} idempotencyKey your own key: the same key is the same job
 * @property {string} workflow
 * @property {string} params a JSON object, as text
 * @property {number} atMs your clock, ms since 1970
 * @property {string} [correlation] your own id for the whole conversation
 * @property {string} [onBehalfOf] person or system
 * @property {string} [goal]
 * @property {number} [deadlineMs] from acceptance; 0 or absent: the workflow's
 * @property {number} [costCapMicros] 0 or absent: the workflow's
 * @property {string} [trace] W3C traceparent
 */

/** The job id, which is the record key: 32 hex digits.
 * @param {string} tenant @param {string} idempotencyKey */
export function jobId(tenant, idempotencyKey) {
  return createHash('sha256').update(`${Buffer.byteLength(tenant)}:${tenant}:${idempotencyKey}`).digest('hex').slice(0, 32);
}

/**
 * The Avro body of a JobSubmitted up to its signature, which is the last field: exactly what is signed, behind the
 * fingerprint.
 * @param {Submission} s @param {string} signer `principal#keyId`
 */
export function unsignedBody(s, signer) {
  return Buffer.concat([
    text('JobSubmitted'), text(''), text(''), long(-1), long(-1), // type, step, agent, epoch, cause
    text(s.tenant), text(jobId(s.tenant, s.idempotencyKey)), long(-1), int(0), text(''), // tenant, job, instance, attempt, agentVersion
    text(s.correlation ?? ''), text(''), text(s.onBehalfOf ?? ''), // correlation, causation, onBehalfOf
    text(''), text(''), text(''), text(''), // workflowVersion, policyVersion, promptHash, modelId
    text(signer), long(s.atMs), text(s.trace ?? ''), // signer, atMs, trace
    text(s.idempotencyKey), text(s.workflow), text(s.params), long(s.deadlineMs ?? 0), long(s.costCapMicros ?? 0), text(s.goal ?? ''),
  ]);
}

/**
 * The whole record: key and value.
 * @param {Submission} submission
 * @param {{ signer: string, secret: Buffer }} key of your principal
 * @param {{ id: number, fingerprint: Buffer }} schema the registry's id, and the SHA-256 of the schema's canonical form
 */
export function signedRecord(submission, { signer, secret }, { id, fingerprint }) {
  const body = unsignedBody(submission, signer);
  const signature = createHmac('sha256', secret).update(fingerprint).update(body).digest();
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(id, 1);
  return { key: jobId(submission.tenant, submission.idempotencyKey), value: Buffer.concat([frame, body, long(signature.length), signature]) };
}

/** The partition that Java's murmur2 partitioner gives a key; the gate refuses any other as `misrouted`.
 * @param {string} key @param {number} partitions */
export function partitionOf(key, partitions) {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

/** SHA-256 of a schema's parsing canonical form (Avro's specification), for a schema of records, strings, bytes and
 * numbers such as JobSubmitted. @param {any} schema as the registry gives it */
export function fingerprintOf(schema) {
  return createHash('sha256').update(canonical(schema)).digest();
}

/** @param {any} type @returns {string} */
function canonical(type) {
  if (typeof type === 'string') return JSON.stringify(type);
  if (type.type !== 'record') return typeof type.type === 'object' ? canonical(type.type) : JSON.stringify(type.type);
  const fields = type.fields.map((/** @type {any} */ field) => `{"name":${JSON.stringify(field.name)},"type":${canonical(field.type)}}`);
  return `{"name":${JSON.stringify(`${type.namespace}.${type.name}`)},"type":"record","fields":[${fields.join(',')}]}`;
}

/** @param {string} value */
function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([long(bytes.length), bytes]);
}

/** Avro's int and long are the same zigzag varint. @param {number} value */
function long(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
const int = long;

/** @param {Buffer} bytes */
function murmur2(bytes) {
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), m);
    word = Math.imul(word ^ (word >>> 24), m);
    hash = Math.imul(hash, m) ^ word;
  }
  const left = bytes.length - at;
  if (left === 3) hash ^= (bytes[at + 2] ?? 0) << 16;
  if (left >= 2) hash ^= (bytes[at + 1] ?? 0) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}
