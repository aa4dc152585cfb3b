// What the runtime should reach, as ratios of one run; the report and the baseline speak of these and nothing else.

import { figureOf, type Results } from './results.js';

export interface Target {
  readonly id: string;
  readonly what: string;
  readonly unit: '×' | 's' | 'ms' | '%' | 'hops' | 'KB';
  readonly better: 'higher' | 'lower';
  /** Null: nothing is asked. */
  readonly must: number | null;
  readonly goFor: number | null;
  value(results: Results): number;
}

const us = 'blackboard';
const jobsPerS = (results: Results, system: string): number => figureOf(results, system, 'throughput', 'jobsPerS');
const p50 = (results: Results, system: string): number => figureOf(results, system, 'latency', 'p50Ms');
const against = (peer: string) => (results: Results): number => jobsPerS(results, us) / jobsPerS(results, peer);
const stage = (results: Results, name: string, figure: string): number => results.stages[name]?.[figure] ?? Number.NaN;

/** Of the restore with about 100,000 open jobs; where that was not measured, nothing. */
const restored = (results: Results, figure: string): number => results.restores.find(({ openJobs = 0 }) => openJobs >= 100_000 && openJobs < 200_000)?.[figure] ?? Number.NaN;

export const targets: readonly Target[] = [
  { id: 'jobs-vs-restate', what: 'jobs/s at saturation, against Restate', unit: '×', better: 'higher', must: 3, goFor: 5, value: against('restate') },
  { id: 'jobs-vs-dbos', what: 'the same, against DBOS', unit: '×', better: 'higher', must: 6, goFor: 10, value: against('dbos') },
  { id: 'jobs-vs-langgraph', what: 'the same, against LangGraph.js on Postgres', unit: '×', better: 'higher', must: 10, goFor: 20, value: against('langgraph') },
  { id: 'jobs-vs-temporal', what: 'the same, against Temporal on Postgres', unit: '×', better: 'higher', must: 40, goFor: 75, value: against('temporal') },
  { id: 'jobs-vs-graphile', what: 'the same, against graphile-worker', unit: '×', better: 'higher', must: null, goFor: null, value: against('graphile-worker') },
  { id: 'jobs-vs-bullmq', what: 'the same, against BullMQ with appendfsync always', unit: '×', better: 'higher', must: null, goFor: 1, value: against('bullmq') },
  { id: 'http-vs-restate', what: 'jobs/s submitted over HTTP, against Restate', unit: '×', better: 'higher', must: null, goFor: null, value: (results) => jobsPerS(results, 'blackboard-http') / jobsPerS(results, 'restate') },
  { id: 'flushed-vs-dbos', what: 'jobs/s where the broker flushes each record to disk, against DBOS', unit: '×', better: 'higher', must: null, goFor: null, value: (results) => jobsPerS(results, 'blackboard-flushed') / jobsPerS(results, 'dbos') },
  { id: 'p50-vs-restate', what: 'one job at a time, p50 to the SELECT that shows it, against Restate', unit: '×', better: 'lower', must: 2, goFor: 1.2, value: (results) => p50(results, us) / p50(results, 'restate') },
  { id: 'fact-p50-vs-restate', what: 'the same to the terminal fact on the log', unit: '×', better: 'lower', must: 1.3, goFor: 1, value: (results) => figureOf(results, us, 'factLatency', 'p50Ms') / p50(results, 'restate') },
  { id: 'fact-p50-in-hops', what: 'the latter in raw hops', unit: 'hops', better: 'lower', must: 18, goFor: 12, value: (results) => figureOf(results, us, 'factLatency', 'p50Ms') / (results.limits['hopP50Ms'] ?? Number.NaN) },
  { id: 'slow-steps', what: '1,000 jobs with a 500 ms step, one agent process', unit: 's', better: 'lower', must: 0.9, goFor: 0.65, value: (results) => figureOf(results, us, 'slowSteps', 'seconds') },
  { id: 'cpu-vs-restate', what: 'CPU seconds per 1,000 jobs at saturation, against Restate', unit: '×', better: 'lower', must: 0.4, goFor: 0.2, value: (results) => figureOf(results, us, 'throughput', 'cpuPer1000') / figureOf(results, 'restate', 'throughput', 'cpuPer1000') },
  { id: 'drain-vs-copy', what: 'projector drain, against COPY of the same rows', unit: '%', better: 'higher', must: 25, goFor: 40, value: (results) => 100 * stage(results, 'drain', 'ofCopy') },
  { id: 'lag', what: 'projection lag p99 at 1,000 jobs/s', unit: 'ms', better: 'lower', must: 60, goFor: 30, value: (results) => stage(results, 'steady', 'lagP99Ms') },
  { id: 'fold-vs-consume', what: 'fold from Kafka, against raw consume of the same records', unit: '%', better: 'higher', must: 50, goFor: 65, value: (results) => 100 * stage(results, 'fold', 'ofRaw') },
  { id: 'embedded-vs-dbos', what: 'embedded mode, jobs/s against DBOS', unit: '×', better: 'higher', must: 2, goFor: 5, value: (results) => jobsPerS(results, 'blackboard-embedded') / jobsPerS(results, 'dbos') },
  { id: 'embedded-p50', what: 'embedded mode, one job at a time, p50', unit: 'ms', better: 'lower', must: 4, goFor: 2.5, value: (results) => p50(results, 'blackboard-embedded') },
  { id: 'restore', what: 'restore of 100,000 open jobs from a snapshot and its tail', unit: 's', better: 'lower', must: 5, goFor: 2, value: (results) => restored(results, 'snapshotSeconds') },
  { id: 'memory', what: 'memory per open job beyond its bodies', unit: 'KB', better: 'lower', must: 2, goFor: 1, value: (results) => restored(results, 'jobKb') },
];

export type Verdict = 'go for' | 'must' | 'missed' | 'measured' | 'not measured';

export function verdictOf({ must, goFor, better }: Target, value: number): Verdict {
  if (Number.isNaN(value)) return 'not measured';
  const reaches = (limit: number | null): boolean => limit !== null && (better === 'higher' ? value >= limit : value <= limit);
  if (reaches(goFor)) return 'go for';
  if (must === null) return 'measured';
  return reaches(must) ? 'must' : 'missed';
}
