// The two doors through which a driver submits: records of its own on quarantine, as an upstream system, and HTTP.

import { Agent, request } from 'node:http';
import type { JobSubmitted } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import { emptyEnvelope } from '../../services/blackboard/empty-envelope.js';
import { jobId } from '../../services/blackboard/ids.js';
import type { EventCodec } from '../../services/runtime/codec/event-codec.js';
import type { Keyring } from '../../services/runtime/keyring.js';
import { partitionFor } from '../../services/runtime/log/partitioner.js';
import type { LogPort } from '../../services/runtime/log/port.js';

const tenant = 'bench';
/** The upstream system whose key ships. */
const principal = 'bridge';

export interface UpstreamParts {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly partitions: number;
}

/** The job's id; `name` is the idempotency key, and rides in the parameters so that results name it. */
export function idOf(name: string): string {
  return jobId(tenant, name);
}

/** JSON. `slow`: the middle step takes 500 ms. */
function paramsOf(name: string, slow: boolean): string {
  return JSON.stringify(slow ? { name, slow } : { name });
}

/** Resolves when the submission is in the log. */
export async function submitToLog({ log, codec, keyring, topics, partitions }: UpstreamParts, name: string, slow = false): Promise<void> {
  const job = idOf(name);
  const signer = keyring.signerOf(principal);
  const claim: JobSubmitted = {
    ...emptyEnvelope, type: 'JobSubmitted', tenant, job, instance: -1, epoch: -1, cause: -1, onBehalfOf: principal, signer, atMs: Date.now(),
    idempotencyKey: name, workflow: 'w3', params: paramsOf(name, slow), deadlineMs: 0, costCapMicros: 0, goal: '', signature: Buffer.alloc(0),
  };
  const value = codec.encodeSigned(claim, (fingerprint, body) => keyring.sign(signer, fingerprint, body));
  const key = Buffer.from(job);
  await log.append({ topic: topics.quarantine, partition: partitionFor(key, partitions), records: [{ key, value }] });
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Resolves when the ingress has answered 202. @throws with what it answered otherwise. */
export function submitOverHttp(ingressUrl: string, name: string, slow = false): Promise<void> {
  const body = `{"workflow":"w3","tenant":"${tenant}","params":${paramsOf(name, slow)}}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${ingressUrl}/v1/jobs`, { agent, method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'idempotency-key': name } }, (answer) => {
      let said = '';
      answer.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      answer.on('end', () => (answer.statusCode === 202 ? resolve() : reject(new Error(`the ingress answers ${answer.statusCode}: ${said.slice(0, 300)}`))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
