import type { Claim, Envelope } from '../../../schemas/generated/events.js';
import type { Keyring } from '../../runtime/keyring.js';
import { partitionFor } from '../../runtime/log/partitioner.js';
import type { AppendBatch } from '../../runtime/log/port.js';
import { codec, topics } from './blackboard-of-seed.js';

const envelope: Envelope = {
  step: '', agent: '', epoch: -1, cause: -1, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '',
};

/** A claim with what it does not say left empty, signed by a principal, under its own name or another's. */
export type SignClaim = (type: Claim['type'], fields: Readonly<Record<string, unknown>>, by: { readonly principal: string; readonly named?: string }) => Buffer;

export function signWith(keyring: Keyring): SignClaim {
  return (type, fields, by) => {
    const claim = Object.assign({ ...envelope }, { type }, fields, { signer: keyring.signerOf(by.named ?? by.principal) }) as unknown as Claim;
    return codec.encodeSigned(claim, (fingerprint, body) => keyring.sign(keyring.signerOf(by.principal), fingerprint, body));
  };
}

/** One claim where its job belongs. */
export function quarantined(job: string, value: Buffer, partitions: number): AppendBatch {
  const key = Buffer.from(job);
  return { topic: topics.quarantine, partition: partitionFor(key, partitions), records: [{ key, value }] };
}
