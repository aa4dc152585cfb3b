// One quarantine record in, one decision out (R2): admitted, refused, parked or dead-lettered. The facts of timers
// that fell due come first (R8). All of it is one append (R1); what would not fit is refused. Replay runs this too.

import type { Claim, Fact } from '../../schemas/generated/events.js';
import type { PartitionState } from '../blackboard/board.js';
import { coordinate, isJobId } from '../blackboard/ids.js';
import type { Refusal } from '../blackboard/reasons.js';
import { endJob, failAttempt, fireNext, fireTimers } from './conduct.js';
import { decide } from './decide.js';
import { Draft, type BatchLimits } from './draft.js';
import { nextDueMs } from './evolve.js';
import { judge, label, principalOf, speaksFor, type Inspection, type Refused } from './judge.js';
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

export interface DecideOptions extends BatchLimits {
  /** Offset on verified that the decision's first fact will have. */
  readonly nextOffset: number;
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
  const draft = new Draft(turn, options);
  if (claim !== null) fireTimers(turn, claim.job);
  fireOtherTimers(turn);
  answer(draft, content, options.onThrow);
  if (!draft.fits()) {
    // What is due at once is more than one append takes: some of it fires now, the rest on the next record or tick.
    draft.rollback(0);
    if (claim === null || fireWithin(draft, claim.job)) fireOtherTimers(turn, (job) => fireWithin(draft, job));
    answer(draft, content, options.onThrow);
  }
  return { facts: turn.facts, encoded: draft.encoded() };
}

/** The one answer to the record itself (R2), refused when it would not fit behind what has fired (R1). */
function answer(draft: Draft, content: QuarantineRecord['content'], onThrow: DecideOptions['onThrow']): void {
  const { turn } = draft;
  if (content.kind === 'undecodable') return turn.emit(null, { type: 'ClaimDeadLettered', reason: content.reason });
  const { claim, inspection } = content;
  const mark = draft.mark;
  const closes = decideClaim(draft, content, onThrow);
  if (draft.fits()) return;
  for (const close of closes === null ? [null] : [closes, null]) {
    draft.rollback(mark);
    refuse(turn, claim, { refused: 'decision-too-large', detail: 'artifacts: fewer or smaller', closes: close }, inspection);
    if (draft.fits()) return;
  }
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

/** Fires what is due for other jobs. `fire` answers false when it had to leave something of a job. */
function fireOtherTimers(turn: Turn, fire = (job: string): boolean => { fireTimers(turn, job); return true; }): void {
  const { state } = turn;
  for (let fired = 0; fired < otherTimersMax.jobs && turn.facts.length < otherTimersMax.facts; ) {
    const first = state.timers.peek();
    if (first === undefined || first.atMs > state.timeMs) return;
    state.timers.pop();
    const job = state.jobs.get(first.job);
    // An entry that no longer holds; the one that does is in the heap too. Judged by equality, so that the order in
    // which jobs fire depends on the state alone and not on what the heap has been through.
    if (job === undefined || nextDueMs(job) !== first.atMs) continue;
    if (!fire(first.job)) {
      const left = state.jobs.get(first.job);
      if (left !== undefined) state.timers.push({ atMs: nextDueMs(left), job: left.job });
      return;
    }
    fired += 1;
  }
}

/** Fires what is due for one job, one thing after the other, up to half of a batch. False: something is left. */
function fireWithin(draft: Draft, jobId: string): boolean {
  const { turn } = draft;
  for (;;) {
    const mark = draft.mark;
    const job = turn.job(jobId);
    if (job === undefined || !fireNext(turn, jobId)) return true;
    if (draft.isHalfEmpty()) continue;
    if (mark === 0 && draft.leavesRoom()) return false;
    draft.rollback(mark);
    if (mark > 0) return false;
    // Not even alone does its next step fit an append: this job cannot go on, and must not hold up the others.
    endJob(turn, job, 'failed', 'decision-too-large');
    return true;
  }
}

/** Answers whose attempt is closed when the decision turns out too large: that of the signer who was asked (R12). */
function decideClaim(draft: Draft, { claim, inspection }: { claim: Claim; inspection: Inspection }, onThrow: DecideOptions['onThrow']): Refused['closes'] {
  const { turn } = draft;
  // What has fired is encoded before: should that throw, it is no fault of the claim.
  draft.encoded();
  const mark = draft.mark;
  try {
    const judgement = judge(asSeen(claim, turn.offset), inspection, turn.state);
    if ('refused' in judgement) refuse(turn, claim, judgement, inspection);
    else decide(turn, claim, judgement, inspection);
    // A fact that cannot be encoded is as much the claim's doing as a verb that throws.
    draft.encoded();
    if ('refused' in judgement) return judgement.closes;
    return judgement.admitted === 'proposal' || judgement.admitted === 'verdicts' ? { job: judgement.job, step: judgement.step } : null;
  } catch (error) {
    // R11: a verb that throws parks this claim, and the partition goes on.
    draft.rollback(mark);
    onThrow(error, claim);
    turn.emit(null, { type: 'ClaimParked', claimType: claim.type, reason: 'verb-threw', detail: '', ...namedBy(turn, claim, inspection) });
    return null;
  }
}

/**
 * A claim that names an offset of its own decision or behind it names nothing: its sender cannot have read that. It must
 * not fit a request that a timer makes in this decision, whose offset depends on where the batch lands (R4).
 */
function asSeen(claim: Claim, offset: number): Claim {
  return 'requestOffset' in claim && claim.requestOffset >= offset ? { ...claim, requestOffset: -1 } : claim;
}

function refuse(turn: Turn, claim: Claim, refused: Refused, inspection: Inspection): void {
  const reason: Refusal = refused.refused;
  turn.emit(null, { type: 'ClaimRefused', claimType: claim.type, reason, closesAttempt: refused.closes !== null, detail: refused.detail, ...namedBy(turn, claim, inspection) });
  if (refused.closes === null) return;
  const { job, step } = refused.closes;
  const usage = 'usage' in claim ? claim.usage.costMicros : 0;
  failAttempt(turn, job, step, { reason, reasons: [{ code: reason, position: -1 }], final: false, costMicros: usage, fallbackTaken: '', by: { agentVersion: claim.agentVersion, promptHash: claim.promptHash, modelId: claim.modelId } });
}

/**
 * R12: names a tenant only when the signer is bound to it, and a step only when it exists: claims are hostile text. A job
 * is named only where it belongs: a stranger's refusal in another partition is no part of its story.
 */
function namedBy(turn: Turn, claim: Claim, { authentic, routed }: Inspection): { job: string; tenant: string; instance: number; step: string; attempt: number; agent: string } {
  const principal = principalOf(claim, turn.state);
  const job = routed ? turn.job(claim.job) : undefined;
  const bound = authentic && principal !== null && (speaksFor(principal, claim.tenant) || job?.tenant === claim.tenant);
  const step = job !== undefined && Object.hasOwn(job.steps, claim.step) ? claim.step : '';
  return {
    job: routed && isJobId(claim.job) ? claim.job : '', tenant: bound && label.test(claim.tenant) ? claim.tenant : '', instance: claim.instance, step,
    attempt: step === '' ? 0 : claim.attempt, agent: authentic && principal !== null ? principal.agent : '',
  };
}
