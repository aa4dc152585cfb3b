// Attempts that ran twice: excused when something struck the agent's group between the two runs, or shortly before.
// Pure.

import type { Run } from './agents/runs-file.js';

export interface RunsReport {
  readonly runs: number;
  readonly attempts: number;
  /** Second and later runs of an attempt. */
  readonly excused: number;
  readonly unexcused: readonly string[];
}

/** @param touched - whether anything struck an agent's group between two times */
export function checkRuns(runs: readonly Run[], touched: (agent: string, fromMs: number, untilMs: number) => boolean, graceMs: number): RunsReport {
  const byAttempt = new Map<string, Run[]>();
  for (const run of runs) byAttempt.set(`${run.agent} ${run.attempt}`, [...(byAttempt.get(`${run.agent} ${run.attempt}`) ?? []), run]);
  let excused = 0;
  const unexcused: string[] = [];
  for (const [attempt, all] of byAttempt) {
    all.sort((a, b) => a.atMs - b.atMs);
    for (let n = 1; n < all.length; n += 1) {
      const [before, again] = [all[n - 1] as Run, all[n] as Run];
      if (touched(again.agent, before.atMs - graceMs, again.atMs)) excused += 1;
      else unexcused.push(`${attempt}: by ${before.pid} and ${again.atMs - before.atMs} ms later by ${again.pid}`);
    }
  }
  return { runs: runs.length, attempts: byAttempt.size, excused, unexcused };
}
