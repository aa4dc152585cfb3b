// What a run of the catalogue comes to: who caught what, how soon, and which checkers are needed.

import { checkers, type Checker, type Mutant } from './mutant.js';
import { neverAlone } from './never-alone.js';
import type { Pair } from './pairs.js';
import type { Planted } from './plant.js';

export interface MutantResult extends Planted {
  readonly mutant: Mutant;
}

export interface PairResult {
  readonly pair: Pair;
  readonly singles: readonly [Planted, Planted];
  readonly together: Planted;
}

export interface Summary {
  readonly caught: number;
  readonly skipped: number;
  readonly total: number;
  /** Over those that the simulation caught. */
  readonly medianSeeds: number;
  readonly byRule: Readonly<Record<string, { readonly caught: number; readonly total: number }>>;
  /** By checker: bugs that nobody else sees, in any seed run; those that nobody else sees in some seed; why there can be none. */
  readonly alone: Readonly<Record<Checker, { readonly always: readonly string[]; readonly inASeed: readonly string[]; readonly whyNever: string }>>;
}

export function summarize(results: readonly MutantResult[]): Summary {
  const caught = results.filter(({ seeds }) => seeds !== null);
  const simulated = caught.filter(({ mutant }) => typeof mutant.caughtBy === 'string').map(({ seeds }) => seeds as number).sort((a, b) => a - b);
  const byRule: Record<string, { caught: number; total: number }> = {};
  for (const { mutant, seeds } of results) {
    const rule = (byRule[mutant.breaks] ??= { caught: 0, total: 0 });
    rule.total += 1;
    if (seeds !== null) rule.caught += 1;
  }
  const idsOf = (holds: (result: MutantResult) => boolean): readonly string[] => results.filter(({ mutant }) => typeof mutant.caughtBy === 'string').filter(holds).map(({ mutant }) => mutant.id);
  const alone = Object.fromEntries(checkers.map((checker) => [checker, {
    always: idsOf(({ seenBy }) => seenBy.length === 1 && seenBy[0] === checker), inASeed: idsOf(({ aloneInASeed }) => aloneInASeed.includes(checker)), whyNever: neverAlone[checker] ?? '',
  }])) as unknown as Summary['alone'];
  return { caught: caught.length, skipped: results.filter(({ skipped }) => skipped).length, total: results.length, medianSeeds: simulated[Math.floor(simulated.length / 2)] ?? 0, byRule, alone };
}

/** Checkers that no bug needs, and of which nobody says why. */
export function needless({ alone }: Summary): readonly Checker[] {
  return checkers.filter((checker) => alone[checker].inASeed.length === 0 && alone[checker].whyNever === '');
}
