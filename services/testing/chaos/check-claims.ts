// What became of the claims that faults sent themselves: none of them may be anything but turned away. Pure.

import type { SentClaim } from './claims.js';

export interface ClaimsReport {
  readonly sent: number;
  readonly problems: readonly string[];
  /** Fault → decision → how many. */
  readonly decisions: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const turnedAway = /^Claim(Refused|Parked|DeadLettered)/;

/** @param decided - `partition/offset` of a claim → its decision */
export function checkClaims(sent: readonly SentClaim[], decided: ReadonlyMap<string, string>): ClaimsReport {
  const problems: string[] = [];
  const decisions = new Map<string, Map<string, number>>();
  for (const { fault, about, place, copyOf } of sent) {
    const decision = decided.get(place) ?? 'nothing';
    const ofFault = decisions.get(fault) ?? new Map<string, number>();
    decisions.set(fault, ofFault.set(decision, (ofFault.get(decision) ?? 0) + 1));
    // A copy of what was turned away itself meets another state, and may be right by then.
    const isFree = copyOf !== '' && turnedAway.test(decided.get(copyOf) ?? 'ClaimRefused');
    if (!turnedAway.test(decision) && !isFree) problems.push(`${fault} (${about}) at ${place} became ${decision}`);
  }
  return { sent: sent.length, problems, decisions };
}
