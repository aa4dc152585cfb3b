// node dist/services/testing/simulation/main.js --seeds N [--from S] [--workers W] [--json] [--stop]
// Runs seeds; prints speed, faults, what was reached and what not, and each violation with the command that repeats it.

import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Coverage, sometimes } from './coverage.js';
import { runMany } from './run-many.js';
import type { SeedReport } from './run-seed.js';

const { values } = parseArgs({ options: {
  seeds: { type: 'string', default: '100' }, from: { type: 'string', default: '1' }, workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  json: { type: 'boolean', default: false }, stop: { type: 'boolean', default: false },
} });
const count = Number(values.seeds);
const from = Number(values.from);
const workers = Number(values.workers);
if (![count, from, workers].every((number) => Number.isSafeInteger(number) && number >= 0) || count < 1 || workers < 1) {
  process.stderr.write('simulate: --seeds, --from and --workers are whole numbers, e.g. --seeds 1000 --from 1 --workers 2\n');
  process.exit(2);
}

const self = relative(process.cwd(), fileURLToPath(import.meta.url));
const coverage = new Coverage();
const failed: SeedReport[] = [];
const sums = { seeds: 0, steps: 0, facts: 0, claims: 0, jobs: 0 };
const failuresShownMax = 10;
const startedMs = performance.now();

await runMany({ seeds: Array.from({ length: count }, (_, index) => from + index), workers, onReport: (report) => {
  sums.seeds += 1;
  for (const key of ['steps', 'facts', 'claims', 'jobs'] as const) sums[key] += report[key];
  coverage.add(report);
  if (report.violations.length === 0) return;
  failed.push(report);
  if (!values.json && failed.length <= failuresShownMax) process.stdout.write(failureText(report));
  if (values.stop) finish();
} });
finish();

function finish(): never {
  const elapsedMs = performance.now() - startedMs;
  const cpu = process.cpuUsage();
  const figures = {
    ...sums, elapsedMs: Math.round(elapsedMs), cpuMs: Math.round((cpu.user + cpu.system) / 1000), seedsPerMinute: Math.round(sums.seeds / (elapsedMs / 60_000)),
    faultsInjected: coverage.faultsInjected, reached: sometimes.length - coverage.missing.length, sometimes: sometimes.length, missing: coverage.missing, failed: failed.length,
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...figures, reachedCounts: Object.fromEntries(coverage.reached), failures: failed.map(({ seed, violations }) => ({ seed, violations, repeat: repeatCommand(seed) })) })}\n`);
  } else {
    process.stdout.write(`${figures.seeds} seeds in ${(elapsedMs / 1000).toFixed(1)} s: ${figures.seedsPerMinute} a minute (${(figures.cpuMs / Math.max(1, figures.seeds)).toFixed(0)} ms of processor time each, ${workers} workers)\n`
      + `${figures.jobs} jobs, ${figures.claims} claims, ${figures.facts} facts, ${figures.steps} steps; ${figures.faultsInjected} faults injected\n`
      + `reached ${figures.reached} of ${figures.sometimes} of what must be reached sometimes${coverage.missing.length === 0 ? '' : `; never: ${coverage.missing.join(', ')}`}\n`
      + `${figures.failed} seeds failed\n`);
  }
  process.exit(failed.length === 0 ? 0 : 1);
}

function failureText({ seed, violations }: SeedReport): string {
  const shown = violations.slice(0, 5).map(({ invariant, what, records }) => `  ${invariant}: ${what}\n${records.slice(0, 5).map((record) => `    ${record}\n`).join('')}`).join('');
  return `seed ${seed} failed (${violations.length} violations)\n${shown}  repeat: ${repeatCommand(seed)}\n`;
}

function repeatCommand(seed: number): string {
  return `node ${self} --seeds 1 --from ${seed}`;
}
