// For tests: the headers of a request that a principal signs for an attempt.

import { gatewayRequestText, proofHeaders, type AttemptName } from '../blackboard/signed-text.js';
import type { Keyring } from '../runtime/keyring.js';

export interface RequestToSign {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly as: string;
  readonly name: AttemptName;
  /** Default: now. */
  readonly atMs?: number;
}

export function signedHeaders(keyring: Keyring, { method, path, body = Buffer.alloc(0), as, name, atMs = Date.now() }: RequestToSign): Record<string, string> {
  const signer = `${as}#k1`;
  const signature = keyring.sign(signer, gatewayRequestText(name, signer, atMs, { method, path, body })).toString('hex');
  return {
    [proofHeaders.signer]: signer, [proofHeaders.signature]: signature, [proofHeaders.atMs]: String(atMs), [proofHeaders.job]: name.job, [proofHeaders.instance]: String(name.instance),
    [proofHeaders.step]: name.step, [proofHeaders.attempt]: String(name.attempt), [proofHeaders.request]: name.request,
  };
}
