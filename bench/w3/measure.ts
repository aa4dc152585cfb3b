// What is measured of a system that runs W3, the same for ours and for peers. A system is driven in a process of its
// own, so that nobody pays for another's driver.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from './percentile.js';
import { bytesWritten, machineSeconds, processorSeconds, type Processes } from './processor-time.js';
import { checkOutcome, type StepResult } from './workload.js';

export interface JobSystem {
  /** Versions and configuration, a line each. */
  readonly about: readonly string[];
  /** Submits a job and resolves with its outcome once it can be retrieved. `slow`: the middle step takes 500 ms. */
  runJob(job: string, slow: boolean): Promise<StepResult>;
  /** The same, but resolves as soon as the terminal fact can be read from the log; absent where there is no log. */
  runToFact?(job: string): Promise<void>;
  processes(): Processes;
  /** Before and after a measurement with slow steps: a system that must be told to run more of them at once. */
  slowSteps?(begin: boolean): Promise<void>;
  /** Other ways to run the same system, by name: switched on before a measurement and off after it. */
  readonly modes?: Readonly<Record<string, (isOn: boolean) => Promise<void>>>;
  /** How long each outcome was in the log before a SELECT gave it, ms; the measurement empties it. Absent where there is no log. */
  readonly lagsMs?: number[];
  /** What else it can measure of what W3 has left behind, by name. */
  readonly stages?: Readonly<Record<string, () => Promise<Figures>>>;
  /** Running totals, e.g. bytes written. */
  totals?(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

export type Measurement =
  | { readonly measure: 'warm-up'; readonly jobs: number; readonly inFlight: number }
  | { readonly measure: 'throughput'; readonly jobs: number; readonly inFlight: number; readonly to?: 'outcome' | 'fact' }
  | { readonly measure: 'latency'; readonly jobs: number; readonly to: 'outcome' | 'fact' }
  | { readonly measure: 'slow-steps'; readonly jobs: number }
  | { readonly measure: 'steady'; readonly jobsPerS: number; readonly seconds: number }
  | { readonly measure: 'mode'; readonly mode: string; readonly isOn: boolean }
  | { readonly measure: 'stage'; readonly stage: string };

/** Figures by name; units are in the names. */
export type Figures = Readonly<Record<string, number>>;

/** Beside the jobs of a warm-up such a part of them again, one at a time. */
const aloneShare = 0.2;
const run = randomBytes(3).toString('hex');
let sequence = 0;
/** 30 characters, so that results have the same size everywhere. */
const nextJob = (): string => `w3-${run}-${String(sequence++).padStart(8, '0')}`.padEnd(30, '0');

export async function measure(system: JobSystem, what: Measurement): Promise<Figures> {
  switch (what.measure) {
    case 'warm-up': return warmUp(system, what);
    case 'throughput': return throughput(system, what);
    case 'latency': return latency(system, what);
    case 'slow-steps': return slowSteps(system, what.jobs);
    case 'steady': return steady(system, what);
    case 'mode': return switchMode(system, what);
    case 'stage': return stage(system, what.stage);
  }
}

async function runChecked(system: JobSystem, slow: boolean): Promise<void> {
  const job = nextJob();
  checkOutcome(await system.runJob(job, slow), job);
}

/** A runtime that compiles as it runs has seen batches after the crowd, and is slow with the first hundreds that come alone. */
async function warmUp(system: JobSystem, { jobs, inFlight }: { jobs: number; inFlight: number }): Promise<Figures> {
  await throughput(system, { jobs, inFlight });
  return throughput(system, { jobs: Math.ceil(jobs * aloneShare), inFlight: 1 });
}

async function throughput(system: JobSystem, { jobs, inFlight, to = 'outcome' }: { jobs: number; inFlight: number; to?: 'outcome' | 'fact' }): Promise<Figures> {
  const tookMs: number[] = [];
  const totalsBefore = await system.totals?.() ?? {};
  const { seconds, ...costs } = await timed(system, jobs, () => closedLoop(jobs, inFlight, async () => {
    const sinceMs = performance.now();
    await (to === 'fact' ? system.runToFact?.(nextJob()) : runChecked(system, false));
    tookMs.push(performance.now() - sinceMs);
  }));
  const totals = await system.totals?.() ?? {};
  const perJob = Object.fromEntries(Object.entries(totals).map(([name, value]) => [`${name}PerJob`, (value - (totalsBefore[name] ?? 0)) / jobs]));
  return { jobsPerS: jobs / seconds, stepsPerS: (3 * jobs) / seconds, p50Ms: percentile(tookMs, 50), p95Ms: percentile(tookMs, 95), p99Ms: percentile(tookMs, 99), ...costs, ...perJob };
}

async function latency(system: JobSystem, { jobs, to }: { jobs: number; to: 'outcome' | 'fact' }): Promise<Figures> {
  const tookMs: number[] = [];
  const { seconds, ...costs } = await timed(system, jobs, () => closedLoop(jobs, 1, async () => {
    const sinceMs = performance.now();
    await (to === 'fact' ? system.runToFact?.(nextJob()) : runChecked(system, false));
    tookMs.push(performance.now() - sinceMs);
  }));
  return { p50Ms: percentile(tookMs, 50), p95Ms: percentile(tookMs, 95), p99Ms: percentile(tookMs, 99), ...costs };
}

async function slowSteps(system: JobSystem, jobs: number): Promise<Figures> {
  await system.slowSteps?.(true);
  const { seconds, ...costs } = await timed(system, jobs, () => Promise.all(Array.from({ length: jobs }, () => runChecked(system, true))));
  await system.slowSteps?.(false);
  return { seconds, ...costs };
}

async function steady(system: JobSystem, { jobsPerS, seconds }: { jobsPerS: number; seconds: number }): Promise<Figures> {
  if (system.lagsMs === undefined) throw new Error('this system says nothing of lag');
  system.lagsMs.length = 0;
  const running: Promise<void>[] = [];
  const { seconds: took, ...costs } = await timed(system, jobsPerS * seconds, async () => {
    const sinceMs = performance.now();
    while (running.length < jobsPerS * seconds) {
      const due = Math.min(jobsPerS * seconds, Math.floor((performance.now() - sinceMs) * jobsPerS / 1000));
      while (running.length < due) running.push(runChecked(system, false));
      await sleep(2);
    }
    await Promise.all(running);
  });
  return { jobsPerS: running.length / took, lagP50Ms: percentile(system.lagsMs, 50), lagP99Ms: percentile(system.lagsMs, 99), ...costs };
}

async function switchMode(system: JobSystem, { mode, isOn }: { mode: string; isOn: boolean }): Promise<Figures> {
  const change = system.modes?.[mode];
  if (change === undefined) throw new Error(`no mode "${mode}"; there are ${Object.keys(system.modes ?? {}).join(', ')}`);
  await change(isOn);
  return {};
}

function stage(system: JobSystem, name: string): Promise<Figures> {
  const run = system.stages?.[name];
  if (run === undefined) throw new Error(`no stage "${name}"; there are ${Object.keys(system.stages ?? {}).join(', ')}`);
  return run();
}

/** Seconds, processor seconds per 1,000 jobs by process and in all, bytes written, and the share of the machine that others used. */
async function timed(system: JobSystem, jobs: number, work: () => Promise<unknown>): Promise<Figures & { readonly seconds: number }> {
  const processes = system.processes();
  const [before, bytesBefore, machineBefore, sinceMs] = [processorSeconds(processes), bytesWritten(processes), machineSeconds(), performance.now()];
  await work();
  const seconds = (performance.now() - sinceMs) / 1000;
  const [after, machine, bytes] = [processorSeconds(processes), machineSeconds(), bytesWritten(processes)];
  const used = Object.entries(after).map(([label, total]) => [label, total - (before[label] ?? 0)] as const);
  const all = used.reduce((sum, [, spent]) => sum + spent, 0);
  const capacity = machine.busy - machineBefore.busy + machine.idle - machineBefore.idle;
  return {
    seconds, cpuPer1000: (all / jobs) * 1000,
    ...(bytes === null || bytesBefore === null ? {} : { diskBytesPerJob: (bytes - bytesBefore) / jobs }),
    ...Object.fromEntries(used.map(([label, spent]) => [`cpuPer1000:${label}`, (spent / jobs) * 1000])),
    othersShare: Math.max(0, machine.busy - machineBefore.busy - all) / capacity,
  };
}

async function closedLoop(jobs: number, inFlight: number, one: () => Promise<void>): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < jobs) {
      begun += 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, inFlight) }, worker));
}
