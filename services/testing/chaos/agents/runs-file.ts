// Each run of an attempt is written down by the process that runs it, so that attempts that ran twice can be counted
// afterwards and the second run be excused, or not, by what struck in between.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepRequest } from '../../../agents/sdk/agent.js';

export interface Run {
  readonly agent: string;
  readonly pid: number;
  readonly atMs: number;
  /** Job, kind, step and attempt: one attempt. */
  readonly attempt: string;
}

/** Notes a run in the folder of CHAOS_RUNS; nothing without it. */
export function noteRun(agent: string, { job, kind, step, attempt }: StepRequest): void {
  const folder = process.env['CHAOS_RUNS'];
  if (folder === undefined) return;
  const run: Run = { agent, pid: process.pid, atMs: Date.now(), attempt: `${job} ${kind} ${step} ${attempt}` };
  appendFileSync(join(folder, `${agent}-${process.pid}.jsonl`), `${JSON.stringify(run)}\n`);
}
