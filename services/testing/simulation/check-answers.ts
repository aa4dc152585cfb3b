// R11 and R12, from the records alone. A claim is parked if and only if a verb throws at it, which a run knows of those
// it sent for that. A refusal closes an attempt only if the agent that was asked signed the claim and named the open
// request, and then the attempt ends with it; a piece of work that breaks a rule of its step never leaves it open.

import type { Claim, Fact } from '../../../schemas/generated/events.js';
import type { LogRecord } from '../../runtime/log/port.js';
import { shownRecord } from '../../verify/findings.js';
import { codec } from './blackboard-of-seed.js';
import type { FactAt } from './check-run.js';
import { throwsMark } from './remembering-codec.js';
import type { World } from './world.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

/** Rules that a piece of work breaks by itself: its producer has had its say. */
const closing: ReadonlySet<string> = new Set([
  'too-many-artifacts', 'too-few-accepted', 'duplicate-artifact', 'wrong-contract', 'body-missing', 'hash-mismatch', 'contract-violation',
  'evidence-unresolved', 'evidence-missing', 'stale', 'future-stamp', 'confidence-low',
]);

export function checkAnswers({ scenario }: World, { facts, claims }: { readonly facts: readonly FactAt[]; readonly claims: readonly LogRecord[] }, add: Add): void {
  const open = new Map<string, { readonly offset: number; readonly agent: string }>();
  const counting = facts.filter(({ counts }) => counts);
  counting.forEach(({ record, fact }, index) => {
    const step = `${fact.job}/${fact.instance}/${fact.step}`;
    if (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') open.set(step, { offset: record.offset, agent: fact.agent });
    if (fact.type === 'AttemptFailed' || fact.type === 'StepCompleted' || fact.type === 'StepFailed') open.delete(step);
    if (fact.cause < 0) return;
    const cause = claims[fact.cause];
    const claim = cause === undefined ? null : claimOf(cause);
    if (cause === undefined || claim === null) return;
    // Named only when there is something to say.
    const shown = (): readonly string[] => [shownRecord(record, fact), shownRecord(cause, claim)];
    const throws = claim.type === 'JobSubmitted' && claim.params.includes(throwsMark);
    if (fact.type === 'ClaimParked' && !throws) add('R11', 'a claim was parked at which no verb throws', shown());
    if (fact.type === 'JobAccepted' && throws) add('R11', 'a claim was admitted at which a verb throws', shown());
    if (fact.type !== 'ClaimRefused') return;
    if (fact.closesAttempt) {
      const asked = open.get(step);
      const agent = scenario.policy.principals[claim.signer.split('#')[0] ?? '']?.agent ?? '';
      if (asked === undefined || !fact.authentic || agent !== asked.agent || !('requestOffset' in claim) || claim.requestOffset !== asked.offset) add('R12', 'a claim closed an attempt that its signer was not asked for', shown());
      if (!endsAttempt(counting[index + 1]?.fact, fact)) add('R12', 'a refusal says that it closes an attempt, and leaves it open', shown());
    } else if (closing.has(fact.reason)) add('R12', 'work that breaks a rule of its step left the attempt open', shown());
  });
}

function endsAttempt(next: Fact | undefined, refusal: Fact): boolean {
  return next?.type === 'AttemptFailed' && next.cause === refusal.cause && next.job === refusal.job && next.step === refusal.step && next.attempt === refusal.attempt;
}

function claimOf({ value }: LogRecord): Claim | null {
  const decoded = codec.decode(value);
  return decoded.ok ? decoded.event as Claim : null;
}
