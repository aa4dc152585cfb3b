// The body of a job's result: inline from Postgres, otherwise from the gateway under the role of ingress. What comes
// must have the hash that the terminal fact names. How it is shown depends on its contract.

import { contentHash, coordinate } from '../blackboard/ids.js';
import { gatewayRequestText, proofHeaders } from '../blackboard/signed-text.js';
import { DoorError } from '../runtime/http-door.js';
import type { Keyring } from '../runtime/keyring.js';
import type { StoredResult } from './job-reader.js';

/** How bodies of one contract are shown. Both must be pure, and may throw on a body that breaks the contract. */
export interface ResultRenderer {
  /** The decoded body, as JSON. */
  readonly toJson?: (body: Buffer) => unknown;
  readonly toMarkdown?: (body: Buffer) => string;
}

/** By contract, e.g. `brief@1`. */
export type ResultRenderers = Readonly<Record<string, ResultRenderer>>;

export interface GatewayAccess {
  /** Without a slash at the end. */
  readonly gatewayUrl: string;
  readonly keyring: Keyring;
  readonly nowMs: () => number;
}

/** @throws DoorError 503 GATEWAY_UNAVAILABLE when the body cannot be had now. */
export async function readResultBody(result: StoredResult, of: { readonly job: string; readonly instance: number }, access: GatewayAccess): Promise<Buffer> {
  if (result.encoding === 'inline' && result.body !== null) return result.body;
  const body = await fetchBody(result, of, access);
  if (contentHash(body) !== result.hash) throw unavailable('what the gateway answered does not have the hash of the result');
  return body;
}

/** Names the record of the job's end: the gateway reads there what it does not remember any more. */
async function fetchBody({ hash, partition, endedOffset }: StoredResult, of: { readonly job: string; readonly instance: number }, access: GatewayAccess): Promise<Buffer> {
  const signer = access.keyring.signerOf('ingress');
  const atMs = access.nowMs();
  const path = `/v1/bodies/${hash}`;
  const name = { job: of.job, instance: of.instance, step: '', attempt: 0, request: endedOffset === null ? '' : coordinate('v', partition, endedOffset) };
  const signature = access.keyring.sign(signer, gatewayRequestText(name, signer, atMs, { method: 'GET', path, body: Buffer.alloc(0) }));
  const headers = {
    [proofHeaders.signer]: signer, [proofHeaders.signature]: signature.toString('hex'), [proofHeaders.atMs]: String(atMs),
    [proofHeaders.job]: name.job, [proofHeaders.instance]: String(name.instance), [proofHeaders.step]: '', [proofHeaders.attempt]: '0', [proofHeaders.request]: name.request,
  };
  try {
    const response = await fetch(access.gatewayUrl + path, { headers, redirect: 'error', signal: AbortSignal.timeout(10_000) });
    if (response.status === 200) return Buffer.from(await response.arrayBuffer());
    await response.body?.cancel();
    throw unavailable(`the gateway answered ${response.status} for the body of the result`);
  } catch (error) {
    if (error instanceof DoorError) throw error;
    throw unavailable('the gateway that keeps the body of the result does not answer');
  }
}

function unavailable(what: string): DoorError {
  return new DoorError({ status: 503, code: 'GATEWAY_UNAVAILABLE' }, what, 'The job has ended and its result is kept. Ask again after the seconds that Retry-After names.', { retryAfterS: 2 });
}
