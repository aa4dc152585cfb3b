// What an agent's request to the gateway proves: who signed it, when, and for which attempt. Headers are taken apart
// strictly; the signature covers method, path, body, time and attempt, so that a copy serves nowhere else.

import type { IncomingHttpHeaders } from 'node:http';
import { gatewayRequestText, proofHeaders, type AttemptName } from '../blackboard/signed-text.js';
import { principalOf, type Keyring } from '../runtime/keyring.js';

export interface ProofHeaders {
  readonly signer: string;
  readonly signature: Buffer;
  readonly atMs: number;
  readonly name: AttemptName;
}

export interface SignedHttp {
  readonly method: string;
  /** As sent, with the query. */
  readonly path: string;
  readonly body: Uint8Array;
}

const shapes = {
  signer: /^[a-z0-9-]{1,64}#[A-Za-z0-9-]{1,32}$/,
  signature: /^[0-9a-f]{64}$/,
  atMs: /^\d{1,15}$/,
  job: /^[0-9a-f]{32}$/,
  instance: /^\d{1,15}$/,
  step: /^[a-z0-9./:_-]{0,200}$/,
  attempt: /^\d{1,6}$/,
  request: /^(v\/\d{1,9}\/\d{1,15})?$/,
} as const satisfies Record<keyof typeof proofHeaders, RegExp>;

/** The proof headers of a request, or the name of the first header that is missing or has another shape. */
export function readProofHeaders(headers: IncomingHttpHeaders): ProofHeaders | { readonly problem: string } {
  const values: Record<string, string> = {};
  for (const [field, header] of Object.entries(proofHeaders)) {
    const value = headers[header] ?? (field === 'step' || field === 'request' ? '' : undefined);
    if (typeof value !== 'string' || !shapes[field as keyof typeof shapes].test(value)) return { problem: header };
    values[field] = value;
  }
  const { signer = '', signature = '', job = '', step = '', request = '' } = values;
  return {
    signer, signature: Buffer.from(signature, 'hex'), atMs: Number(values['atMs']),
    name: { job, instance: Number(values['instance']), step, attempt: Number(values['attempt']), request },
  };
}

/** False for an unknown signer as well. */
export function isSignedBy(keyring: Keyring, proof: ProofHeaders, http: SignedHttp): boolean {
  return keyring.verify(proof.signer, proof.signature, gatewayRequestText(proof.name, proof.signer, proof.atMs, http));
}

/** Partition and offset of the request that a proof names; null when it names none. */
export function requestPlace(name: AttemptName): { readonly partition: number; readonly offset: number } | null {
  const parts = /^v\/(\d+)\/(\d+)$/.exec(name.request);
  return parts === null ? null : { partition: Number(parts[1]), offset: Number(parts[2]) };
}

export function principalOfProof(proof: ProofHeaders): string {
  return principalOf(proof.signer);
}
