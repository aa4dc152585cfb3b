// The unit costs that the capacity model wants, from the results of a run.

import { figureOf, type Results } from '../report/results.js';
import type { UnitCosts } from './capacity.js';

const us = 'blackboard';
const stepsPerJob = 3;

/** Null where the run has not measured all of them, with what is missing. */
export function unitCostsOf(results: Results): { readonly costs: UnitCosts | null; readonly missing: readonly string[] } {
  const figure = (name: string): number => figureOf(results, us, 'throughput', name);
  const cpu = (label: string): number => figureOf(results, us, 'throughput', `cpuPer1000:${label}`) / 1000;
  // The driver submits and asks for outcomes: what an ingress does for callers.
  const cpuSecondsPerJob = { ...Object.fromEntries(['orchestrator', 'agents', 'projector', 'gateway', 'kafka', 'postgres'].map((label) => [label, cpu(label)])), ingress: cpu('driver') };
  const largest = results.restores.at(-1) ?? {};
  const costs = {
    stepsPerJob, factsPerJob: figure('factsPerJob'), claimsPerJob: figure('claimsPerJob'), factBytesPerJob: figure('factBytesPerJob'), claimBytesPerJob: figure('claimBytesPerJob'),
    walBytesPerJob: figure('walBytesPerJob'), databaseBytesPerJob: figure('databaseBytesPerJob'), projectedRowsPerS: results.stages['drain']?.['drainedRowsPerS'] ?? Number.NaN, copiedRowsPerS: results.stages['drain']?.['copyRowsPerS'] ?? Number.NaN,
    jobKb: largest['jobKb'] ?? Number.NaN, restoredJobsPerS: (largest['openJobs'] ?? Number.NaN) / (largest['snapshotSeconds'] ?? Number.NaN),
    endedJobBytes: results.stages['ended']?.['endedJobBytes'] ?? Number.NaN, endedRestoredPerS: results.stages['ended']?.['endedRestoredPerS'] ?? Number.NaN,
  };
  const missing = [...Object.entries(costs), ...Object.entries(cpuSecondsPerJob)].filter(([, value]) => !Number.isFinite(value)).map(([name]) => name);
  return { costs: missing.length === 0 ? { ...costs, cpuSecondsPerJob } : null, missing };
}
