// One quarantine record in, one decision out (R2): admitted, refused, parked or dead-lettered. The facts of timers
// that fell due come first (R8). All of it is one append (R1); what would not fit is refused. Replay runs this too.

import type { Claim, Fact } from '../../schemas/generated/events.js';
import type { PartitionState } from '../blackboard/board.js';
import { coordinate, isJobId } from '../blackboard/ids.js';
import type { Refusal } from '../blackboard/reasons.js';
import { failAttempt, fireTimers } from './conduct.js';
import { decide } from './decide.js';
import { nextDueMs } from './evolve.js';
import { judge, principalOf, speaksFor, type Inspection, type Refused } from './judge.js';
import { Turn, type Cause } from './turn.js';

export interface QuarantineRecord {
  readonly offset: number;
  readonly appendTimeMs: number;
  readonly digest: Buffer;
  readonly content:
    | { readonly kind: 'claim'; readonly claim: Claim; readonly inspection: Inspection }
    | { readonly kind: 'undecodable'; readonly reason: string };
}

export interface Decision {
  readonly facts: readonly Fact[];
  /** Frame and body of each fact, in order: encoded once. */
  readonly encoded: readonly Buffer[];
}

export interface DecideOptions {
  /** Offset on verified that the decision's first fact will have. */
  readonly nextOffset: number;
  /** Frame and body of a fact. */
  encode(fact: Fact): Buffer;
  readonly batchBytesMax: number;
  readonly batchRecordsMax: number;
  /** Told what a verb threw, for the log: it is no part of the facts. */
  onThrow(error: unknown, claim: Claim): void;
}

/** Timers of other jobs that one record may fire; the rest fire on the next record or tick. */
const otherTimersMax = { jobs: 32, facts: 100 } as const;

/**
 * Takes the decision on the record that follows the cursor, and folds it into `state`.
 * @throws whatever a fold or a timer throws: the partition halts (R11); a claim that throws is parked instead.
 */
export function decideRecord(state: PartitionState, record: QuarantineRecord, options: DecideOptions): Decision {
  const { content } = record;
  const claim = content.kind === 'claim' ? content.claim : null;
  state.timeMs = Math.max(state.timeMs, record.appendTimeMs);
  const turn = new Turn(state, causeOf(state, record), options.nextOffset);
  if (claim !== null && state.jobs.has(claim.job)) fireTimers(turn, claim.job);
  fireOtherTimers(turn);
  if (content.kind === 'undecodable') {
    turn.emit(null, { type: 'ClaimDeadLettered', reason: content.reason });
    return { facts: turn.facts, encoded: turn.facts.map(options.encode) };
  }
  const undo = savepoint(turn, content.claim);
  decideClaim(turn, content, undo, options.onThrow);
  const encoded = turn.facts.map(options.encode);
  if (turn.facts.length <= options.batchRecordsMax && totalBytes(encoded) <= options.batchBytesMax) return { facts: turn.facts, encoded };
  undo();
  refuse(turn, content.claim, tooLarge(turn, content.claim), content.inspection.authentic);
  return { facts: turn.facts, encoded: turn.facts.map(options.encode) };
}

function causeOf(state: PartitionState, { offset, digest, content }: QuarantineRecord): Cause {
  const claim = content.kind === 'claim' ? content.claim : null;
  return {
    offset, causation: coordinate('q', state.partition, offset), digest,
    signer: claim !== null && /^[a-z0-9-]{1,64}#[A-Za-z0-9-]{1,32}$/.test(claim.signer) ? claim.signer : '',
    authentic: content.kind === 'claim' && content.inspection.authentic,
    trace: claim !== null && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(claim.trace) ? claim.trace : '',
  };
}

function totalBytes(buffers: readonly Buffer[]): number {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.length;
  return bytes;
}

function fireOtherTimers(turn: Turn): void {
  const { state } = turn;
  for (let fired = 0; fired < otherTimersMax.jobs && turn.facts.length < otherTimersMax.facts; ) {
    const first = state.timers.peek();
    if (first === undefined || first.atMs > state.timeMs) return;
    state.timers.pop();
    const job = state.jobs.get(first.job);
    // An entry that no longer holds; the one that does is in the heap too. Judged by equality, so that the order in
    // which jobs fire depends on the state alone and not on what the heap has been through.
    if (job === undefined || nextDueMs(job) !== first.atMs) continue;
    fireTimers(turn, first.job);
    fired += 1;
  }
}

function decideClaim(turn: Turn, { claim, inspection }: { claim: Claim; inspection: Inspection }, undo: () => void, onThrow: DecideOptions['onThrow']): void {
  try {
    const judgement = judge(claim, inspection, turn.state);
    if ('refused' in judgement) refuse(turn, claim, judgement, inspection.authentic);
    else decide(turn, claim, judgement, inspection);
  } catch (error) {
    // R11: a verb that throws parks this claim, and the partition goes on.
    undo();
    onThrow(error, claim);
    turn.emit(null, { ...namedBy(turn, claim, inspection.authentic), type: 'ClaimParked', claimType: claim.type, reason: 'verb-threw', detail: '' });
  }
}

/** Remembers the one job that a claim can touch, and returns what puts it back. */
function savepoint(turn: Turn, { job, tenant: claimed }: Claim): () => void {
  const tenant = turn.job(job)?.tenant ?? claimed;
  const { state, facts } = turn;
  const kept = { facts: facts.length, job: state.jobs.get(job), remembered: state.remembered.get(job), open: state.openJobsByTenant.get(tenant) };
  return () => {
    facts.length = kept.facts;
    if (kept.job === undefined) state.jobs.delete(job);
    else state.jobs.set(job, kept.job);
    if (kept.remembered === undefined) state.remembered.delete(job);
    else state.remembered.set(job, kept.remembered);
    if (kept.open === undefined) state.openJobsByTenant.delete(tenant);
    else state.openJobsByTenant.set(tenant, kept.open);
  };
}

function tooLarge(turn: Turn, claim: Claim): Refused {
  const job = turn.job(claim.job);
  const step = claim.type === 'ArtifactsProposed' || claim.type === 'VerdictsPosted' ? job?.steps[claim.step] : undefined;
  return { refused: 'decision-too-large', detail: 'artifacts: fewer or smaller', closes: job === undefined || step === undefined ? null : { job, step } };
}

function refuse(turn: Turn, claim: Claim, refused: Refused, authentic: boolean): void {
  const reason: Refusal = refused.refused;
  turn.emit(null, { ...namedBy(turn, claim, authentic), type: 'ClaimRefused', claimType: claim.type, reason, closesAttempt: refused.closes !== null, detail: refused.detail });
  if (refused.closes === null) return;
  const { job, step } = refused.closes;
  const usage = 'usage' in claim ? claim.usage.costMicros : 0;
  failAttempt(turn, job, step, { reason, reasons: [{ code: reason, position: -1 }], final: false, costMicros: usage, fallbackTaken: '', by: { agentVersion: claim.agentVersion, promptHash: claim.promptHash, modelId: claim.modelId } });
}

/** R12: names a tenant only when the signer is bound to it, and a step only when it exists: claims are hostile text. */
function namedBy(turn: Turn, claim: Claim, authentic: boolean): { job: string; tenant: string; instance: number; step: string; attempt: number; agent: string } {
  const principal = principalOf(claim, turn.state);
  const job = turn.job(claim.job);
  const bound = authentic && principal !== null && (speaksFor(principal, claim.tenant) || job?.tenant === claim.tenant);
  const step = job !== undefined && Object.hasOwn(job.steps, claim.step) ? claim.step : '';
  return {
    job: isJobId(claim.job) ? claim.job : '', tenant: bound && claim.tenant.length <= 256 ? claim.tenant : '', instance: claim.instance, step,
    attempt: step === '' ? 0 : claim.attempt, agent: authentic && principal !== null ? principal.agent : '',
  };
}
