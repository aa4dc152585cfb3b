// The texts that are signed besides events: an agent's request to the gateway, and the gateway's receipts.
// Both sides and the gate build them here, so that what is signed and what is checked cannot drift apart.

import { contentHash } from './ids.js';

/** The attempt under whose capability a request is made. */
export interface AttemptName {
  readonly job: string;
  readonly instance: number;
  readonly step: string;
  readonly attempt: number;
  /** `v/partition/offset` of the request (StepRequested or VerificationRequested) that grants it; where ingress asks for a result, of the job's end. */
  readonly request: string;
}

/** HTTP headers that carry an agent's proof; the signature is hex. */
export const proofHeaders = {
  signer: 'x-blackboard-signer', signature: 'x-blackboard-signature', atMs: 'x-blackboard-at',
  job: 'x-blackboard-job', instance: 'x-blackboard-instance', step: 'x-blackboard-step', attempt: 'x-blackboard-attempt', request: 'x-blackboard-request',
} as const;

/** What an agent signs to use its capability: one HTTP request, at one time, with one body. */
export function gatewayRequestText(name: AttemptName, signer: string, atMs: number, http: { readonly method: string; readonly path: string; readonly body: Uint8Array }): Buffer {
  return lines(['blackboard-request-v1', signer, String(atMs), name.job, String(name.instance), name.step, String(name.attempt), name.request, http.method.toUpperCase(), http.path, contentHash(http.body)]);
}

/** What the gateway signs when it has stored bodies (`kind` = `body`) for an attempt of a principal. */
export function receiptText(receipt: { readonly kind: string; readonly hashes: readonly string[]; readonly signer: string; readonly atMs: number }, principal: string, name: Omit<AttemptName, 'request'>): Buffer {
  return lines(['blackboard-receipt-v1', receipt.signer, String(receipt.atMs), receipt.kind, receipt.hashes.join(','), principal, name.job, String(name.instance), name.step, String(name.attempt)]);
}

/** Each part with its length, so that no two lists of parts have the same text. */
function lines(parts: readonly string[]): Buffer {
  return Buffer.from(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('\n'));
}
