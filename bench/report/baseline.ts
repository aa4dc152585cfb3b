// The committed ratios, and what a run must not fall behind. Ratios of one run carry over between machines better than
// seconds do; figures in seconds or milliseconds are left out.

import type { Results } from './results.js';
import { targets, type Target } from './targets.js';

/** Ratio by target id. */
export type Baseline = Readonly<Record<string, number>>;

/** Machines are noisy: a ratio of medians moves by a fifth from run to run; a third is more than noise. */
export const noise = 1 / 3;

const isRatio = ({ unit }: Target): boolean => unit === '×' || unit === '%' || unit === 'hops';

export function baselineOf(results: Results): Baseline {
  return Object.fromEntries(targets.filter(isRatio).map((target) => [target.id, target.value(results)] as const).filter(([, value]) => !Number.isNaN(value)).map(([id, value]) => [id, Number(value.toPrecision(3))]));
}

export interface Regression { readonly id: string; readonly what: string; readonly was: number; readonly is: number }

/** Ratios that got worse by more than noise. What either side did not measure is not compared. */
export function regressions(baseline: Baseline, results: Results): readonly Regression[] {
  const now = baselineOf(results);
  return targets.flatMap(({ id, what, better }) => {
    const was = baseline[id];
    const is = now[id];
    if (was === undefined || is === undefined) return [];
    const worse = better === 'higher' ? is < was * (1 - noise) : is > was * (1 + noise);
    return worse ? [{ id, what, was, is }] : [];
  });
}
