// May this request be served? Pure: what was asked, who proved to ask it, the open capabilities, and the time at
// which it came. A reason is a code; for reads the server hides all but proof problems behind one 404.

import type { AttemptName } from '../blackboard/signed-text.js';
import type { CapabilityBoard, Grant } from './capabilities.js';
import { partitionTimeMs, resultOf, roleOf } from './capabilities.js';
import { requestPlace } from './proof.js';
import type { RecordedEnd } from './recorded-end.js';

export const gatewayLimits = {
  /** A request's own time may differ from the gateway's clock by so much. */
  clockSkewMsMax: 5 * 60_000,
  /** Bytes that one attempt may put. */
  attemptPutBytesMax: 256 * 1024 * 1024,
  /** Hashes that one principal may put in one step. */
  stepBodiesMax: 4096,
  attemptModelCallsMax: 64,
} as const;

export const gatewayRefusals = {
  'bad-signature': 'the signature does not fit the request and the named signer',
  'clock-skew': 'the time of the request is more than five minutes away from the clock of the gateway',
  'attempt-not-open': 'there is no such request, or it is answered, timed out or replaced',
  'foreign-principal': 'the capability is for another principal',
  'wrong-attempt': 'the named job, step or attempt is not the one of the named request',
  'capability-expired': 'the capability has expired',
  'not-opened': 'the capability does not open this body',
  'attempt-over-limit': 'the attempt has put or asked as much as it may',
} as const;

export type GatewayRefusal = keyof typeof gatewayRefusals;

export interface Proof {
  readonly principal: string;
  /** Whether the signature fits method, path, body, time and attempt. */
  readonly valid: boolean;
  readonly atMs: number;
  readonly name: AttemptName;
}

export type Asked =
  | { readonly act: 'put'; readonly bodies: number; readonly bytes: number }
  /** `recorded`: the end of a job that was read at the place that the proof names. */
  | { readonly act: 'get'; readonly hash: string; readonly recorded?: RecordedEnd | null }
  /** `question`: its number and content, under which the grant knows it once it has been asked. */
  | { readonly act: 'ask'; readonly question: string };

export type Decision =
  | { readonly allowed: true; readonly grant: Grant | null }
  | { readonly allowed: false; readonly reason: GatewayRefusal };

/** `nowMs`: the gateway's clock when the request came, for the age of the signature only; expiry is in the partition's time. */
export function authorize(proof: Proof, asked: Asked, board: CapabilityBoard, nowMs: number): Decision {
  const proven = checkProof(proof, nowMs);
  if (proven !== null) return refuse(proven);
  if (asked.act === 'get' && isResultRead(proof, asked, board)) return { allowed: true, grant: null };
  const grant = board.byRequest.get(proof.name.request);
  if (grant === undefined) return refuse('attempt-not-open');
  if (grant.principal !== proof.principal) return refuse('foreign-principal');
  if (!namesGrant(proof.name, grant)) return refuse('wrong-attempt');
  if (partitionTimeMs(board, grant.partition) >= grant.expiresAtMs) return refuse('capability-expired');
  if (asked.act === 'get' && !grant.opens.has(asked.hash) && !grant.own.has(asked.hash)) return refuse('not-opened');
  if (isOverLimit(asked, grant)) return refuse('attempt-over-limit');
  return { allowed: true, grant };
}

/** The checks that need no capability: null when the proof holds. */
export function checkProof(proof: Pick<Proof, 'valid' | 'atMs'>, nowMs: number): GatewayRefusal | null {
  if (!(Math.abs(proof.atMs - nowMs) <= gatewayLimits.clockSkewMsMax)) return 'clock-skew';
  return proof.valid ? null : 'bad-signature';
}

/** Ingress hands out answers: it may read the result of an ended job, under the job's name and no step's. */
function isResultRead(proof: Proof, { hash, recorded }: Asked & { readonly act: 'get' }, board: CapabilityBoard): boolean {
  const { job, instance } = proof.name;
  if (!namesNoStep(proof)) return false;
  const result = resultOf(board, job, instance) ?? (recorded !== undefined && recorded !== null && isEndOf(recorded, proof) ? recorded : null);
  return result !== null && result.hash === hash && roleOf(board, result.partition, proof.principal) === 'ingress';
}

/** The record is the one that was named, and ends the life of the job that was named. */
function isEndOf(recorded: RecordedEnd, { name }: Proof): boolean {
  const place = requestPlace(name);
  return place?.partition === recorded.partition && place.offset === recorded.offset && recorded.job === name.job && recorded.instance === name.instance;
}

/** Where to look for the end of a job that the board does not remember: null for all but ingress with a proof that holds. */
export function placeToRecall(proof: Proof, board: CapabilityBoard): { readonly partition: number; readonly offset: number } | null {
  const { job, instance } = proof.name;
  const place = requestPlace(proof.name);
  if (!proof.valid || !namesNoStep(proof) || place === null || resultOf(board, job, instance) !== null) return null;
  return roleOf(board, place.partition, proof.principal) === 'ingress' ? place : null;
}

/** Ingress asks for a job's result under the job alone. */
function namesNoStep({ name: { step, attempt } }: Proof): boolean {
  return step === '' && attempt === 0;
}

function namesGrant(name: AttemptName, grant: Grant): boolean {
  return name.job === grant.job && name.instance === grant.instance && name.step === grant.step && name.attempt === grant.attempt;
}

function isOverLimit(asked: Asked, grant: Grant): boolean {
  if (asked.act === 'put') return grant.spent.putBytes + asked.bytes > gatewayLimits.attemptPutBytesMax || grant.own.size + grant.arriving.bodies + asked.bodies > gatewayLimits.stepBodiesMax;
  return asked.act === 'ask' && !grant.asks.has(asked.question) && grant.spent.modelCalls >= gatewayLimits.attemptModelCallsMax;
}

function refuse(reason: GatewayRefusal): Decision {
  return { allowed: false, reason };
}
