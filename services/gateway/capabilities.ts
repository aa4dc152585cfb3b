// Which capabilities are open: a fold of the facts of `bb.verified`, without I/O and without a clock.
// A grant is opened by a request and closed by whatever closes that request; expiry is in the partition's time.
// Memory is bounded by the open jobs: what belongs to a job goes at its end. Only the hash of its result stays,
// for ingress, for the remember window and at most `resultsMax` of them; older ones are read from the log.

import type { EventType, Fact, StepRequested, VerificationRequested } from '../../schemas/generated/events.js';
import { coordinate } from '../blackboard/ids.js';
import { OldestFirst } from '../runtime/oldest-first.js';
import type { AsksOfGrant } from './asks.js';

export const capabilityLimits = { resultsMax: 100_000, rememberMsDefault: 24 * 3600_000 } as const;

/** What one open request allows one principal. */
export interface Grant {
  /** `v/partition/offset` of the request. */
  readonly request: string;
  readonly kind: 'step' | 'verification';
  readonly principal: string;
  readonly partition: number;
  readonly job: string;
  readonly instance: number;
  readonly step: string;
  readonly attempt: number;
  readonly expiresAtMs: number;
  /** Hashes that it opens: of the capability, and what belongs to its inputs and candidates. */
  readonly opens: ReadonlySet<string>;
  /** What the principal has put or been refused in this step, this attempt and earlier ones: its own work. */
  readonly own: Set<string>;
  /** How many bodies of that principal and step the store is taking now; they are in `own` once it has them. */
  readonly arriving: { bodies: number };
  /** Counted by the server, so that one attempt cannot fill the store or spend without end. */
  readonly spent: { putBytes: number; modelCalls: number };
  /** What a model was asked under it. */
  readonly asks: AsksOfGrant;
}

interface JobGrants {
  readonly grants: Map<string, Grant>;
  /** By step and principal; carried over from attempt to attempt. */
  readonly ownWork: Map<string, Pick<Grant, 'own' | 'arriving'>>;
}

interface EndedJob {
  readonly partition: number;
  readonly instance: number;
  readonly hash: string;
  readonly endedAtMs: number;
}

interface PartitionView {
  timeMs: number;
  rememberMs: number;
  /** Role by principal, from the policy in force. */
  roles: ReadonlyMap<string, string>;
}

/** The state of the fold. Change it with `foldCapabilities` only; the server counts in `own`, `arriving`, `spent` and `asks` of a grant. */
export interface CapabilityBoard {
  readonly jobs: Map<string, JobGrants>;
  readonly byRequest: Map<string, Grant>;
  /** By job id. */
  readonly results: OldestFirst<string, EndedJob>;
  readonly partitions: Map<number, PartitionView>;
  readonly resultsMax: number;
}

export function emptyCapabilities(resultsMax: number = capabilityLimits.resultsMax): CapabilityBoard {
  return { jobs: new Map(), byRequest: new Map(), results: new OldestFirst(), partitions: new Map(), resultsMax };
}

/** Those that say more to the board than the time. A test holds it equal to what the fold does. */
const telling: ReadonlySet<EventType> = new Set([
  'StepRequested', 'VerificationRequested', 'ArtifactRejected', 'AttemptFailed', 'StepCompleted', 'StepFailed', 'JobEnded', 'Checkpointed', 'TickObserved', 'PolicyAdopted',
]);

/** A fact in its bytes. */
export interface EncodedFact {
  readonly type: EventType;
  peekAtMs(): number;
  decode(): Fact;
}

/** As `foldCapabilities`, decoding only what concerns the board. */
export function foldRecord(board: CapabilityBoard, fact: EncodedFact, place: { readonly partition: number; readonly offset: number }): void {
  if (telling.has(fact.type)) foldCapabilities(board, fact.decode(), place);
  else advance(viewOf(board, place.partition), fact.peekAtMs());
}

/** Takes one fact that counts (stale epochs are filtered before) into the board. Total: ignores what does not concern it. */
export function foldCapabilities(board: CapabilityBoard, fact: Fact, place: { readonly partition: number; readonly offset: number }): void {
  const view = viewOf(board, place.partition);
  advance(view, fact.atMs);
  switch (fact.type) {
    case 'StepRequested':
    case 'VerificationRequested': return open(board, fact, place);
    case 'ArtifactRejected': return keepForProducer(board, fact);
    case 'AttemptFailed': return close(board, fact, fact.attempt);
    case 'StepCompleted':
    case 'StepFailed': return close(board, fact, Infinity);
    case 'JobEnded': {
      forget(board, jobKey(fact));
      if (fact.result.hash !== '') board.results.set(fact.job, { partition: place.partition, instance: fact.instance, hash: fact.result.hash, endedAtMs: fact.atMs });
      return board.results.dropWhile((ended) => board.results.size > board.resultsMax || isForgotten(board, ended));
    }
    case 'Checkpointed':
      advance(view, fact.timeMs);
      return adopt(view, fact.policy);
    case 'TickObserved':
      advance(view, fact.timeMs);
      return;
    case 'PolicyAdopted': return adopt(view, fact.policy);
    default:
  }
}

/** The partition's time as far as the board has read; 0 before the first fact. */
export function partitionTimeMs(board: CapabilityBoard, partition: number): number {
  return board.partitions.get(partition)?.timeMs ?? 0;
}

/** The result body of an ended job that is still remembered, or null. */
export function resultOf(board: CapabilityBoard, job: string, instance: number): { readonly partition: number; readonly hash: string } | null {
  const ended = board.results.get(job);
  if (ended === undefined || ended.instance !== instance || isForgotten(board, ended)) return null;
  return ended;
}

/** The role of a principal in the policy that the partition has adopted; empty when it names none. */
export function roleOf(board: CapabilityBoard, partition: number, principal: string): string {
  return board.partitions.get(partition)?.roles.get(principal) ?? '';
}

function open(board: CapabilityBoard, fact: StepRequested | VerificationRequested, place: { readonly partition: number; readonly offset: number }): void {
  const key = jobKey(fact);
  const isStep = fact.type === 'StepRequested';
  const job = board.jobs.get(key) ?? { grants: new Map(), ownWork: new Map() };
  board.jobs.set(key, job);
  // A new attempt replaces the earlier one; a verification means that the producer has answered.
  close(board, fact, Infinity);
  const { principal } = fact.capability;
  const workKey = `${fact.step} ${principal}`;
  const work = job.ownWork.get(workKey) ?? { own: new Set<string>(), arriving: { bodies: 0 } };
  job.ownWork.set(workKey, work);
  const opens = new Set(fact.capability.hashes);
  for (const input of fact.inputs) {
    if (input.body.encoding === 'reference') opens.add(input.body.hash);
    for (const ref of input.refs) opens.add(ref);
  }
  if (!isStep) for (const candidate of fact.candidates) for (const hash of [candidate.hash, ...candidate.refs]) opens.add(hash);
  const grant: Grant = {
    request: coordinate('v', place.partition, place.offset), kind: isStep ? 'step' : 'verification', principal, partition: place.partition,
    job: fact.job, instance: fact.instance, step: fact.step, attempt: fact.attempt, expiresAtMs: fact.capability.expiresAtMs,
    opens, ...work, spent: { putBytes: 0, modelCalls: 0 }, asks: new Map(),
  };
  job.grants.set(grant.request, grant);
  board.byRequest.set(grant.request, grant);
}

/** Closes all grants of the fact's step up to an attempt. */
function close(board: CapabilityBoard, fact: Fact, upToAttempt: number): void {
  const job = board.jobs.get(jobKey(fact));
  if (job === undefined) return;
  for (const grant of job.grants.values()) {
    if (grant.step !== fact.step || grant.attempt > upToAttempt) continue;
    job.grants.delete(grant.request);
    board.byRequest.delete(grant.request);
  }
}

/** A refused draft can be read by its producer, in a later attempt of the same step, and by nobody else. */
function keepForProducer(board: CapabilityBoard, fact: Fact & { readonly hash: string; readonly producer: string }): void {
  const job = board.jobs.get(jobKey(fact));
  job?.ownWork.get(`${fact.step} ${fact.producer}`)?.own.add(fact.hash);
}

function forget(board: CapabilityBoard, key: string): void {
  const job = board.jobs.get(key);
  for (const request of job?.grants.keys() ?? []) board.byRequest.delete(request);
  board.jobs.delete(key);
}

function isForgotten(board: CapabilityBoard, ended: EndedJob): boolean {
  const view = board.partitions.get(ended.partition);
  return view !== undefined && view.timeMs > ended.endedAtMs + view.rememberMs;
}

/** Of the policy, the gateway needs the roles and the remember window. One that cannot be read changes nothing. */
function adopt(view: PartitionView, policyJson: string): void {
  const policy = readPolicy(policyJson);
  if (policy === null) return;
  view.roles = new Map(Object.entries(policy.principals ?? {}).map(([principal, { role }]) => [principal, String(role)]));
  if (typeof policy.rememberMs === 'number') view.rememberMs = policy.rememberMs;
}

function readPolicy(text: string): { readonly principals?: Record<string, { role?: unknown }>; readonly rememberMs?: unknown } | null {
  try {
    const policy: unknown = JSON.parse(text);
    return typeof policy === 'object' ? policy : null;
  } catch {
    return null;
  }
}

function advance(view: PartitionView, atMs: number): void {
  view.timeMs = Math.max(view.timeMs, atMs);
}

function viewOf(board: CapabilityBoard, partition: number): PartitionView {
  const known = board.partitions.get(partition);
  if (known !== undefined) return known;
  const view: PartitionView = { timeMs: 0, rememberMs: capabilityLimits.rememberMsDefault, roles: new Map() };
  board.partitions.set(partition, view);
  return view;
}

function jobKey(fact: { readonly job: string; readonly instance: number }): string {
  return `${fact.job}/${fact.instance}`;
}
