// Many seeds to one report: speed, faults, what was reached and what never was, and each violation with the command
// that repeats it.

import { counted } from '../../runtime/counted.js';
import { Coverage } from './coverage.js';
import { seedsOf, type Load } from './load.js';
import { runMany } from './run-many.js';
import { faultsOf, type SeedReport, type Violation } from './run-seed.js';
import { loadUserScenario } from './user-scenario.js';

/** What to run, and where its report goes. */
export interface Simulation {
  readonly seeds: number;
  /** The first seed. */
  readonly from: number;
  readonly workers: number;
  /** A workflow file; absent: the built-in scenario. */
  readonly file?: string;
  /** Of the built-in scenario: seeds of this load alone. */
  readonly load?: Load;
  /** Ends with the first seed that fails. */
  readonly stopAtFailure?: boolean;
  readonly json?: boolean;
  /** The command that repeats a seed. */
  readonly repeat: (seed: number) => string;
  readonly out: (text: string) => void;
  readonly onProgress?: (text: string) => void;
  /** Ends the run early; what was run is reported. */
  readonly signal?: AbortSignal;
}

export interface SimulatedOutcome {
  readonly seeds: number;
  readonly failed: number;
}

const failuresShownMax = 10;
const progressEveryMs = 5_000;

/** Runs seeds and says what came of them. @throws BlackboardError WORKFLOW_FILE_INVALID; what a worker dies of. */
export async function simulate(options: Simulation): Promise<SimulatedOutcome> {
  const { seeds, from, workers, file, load, stopAtFailure = false, json = false, out } = options;
  // A broken file is told before the first worker starts.
  const own = file === undefined ? null : await loadUserScenario(file);
  const coverage = new Coverage(own?.own?.sometimes);
  const failed: SeedReport[] = [];
  const sums = { seeds: 0, steps: 0, facts: 0, claims: 0, jobs: 0 };
  const least = { jobs: Infinity, faults: Infinity };
  const startedMs = performance.now();
  let saidMs = startedMs;
  const numbers = seedsOf({ from, count: seeds, ...(load === undefined ? {} : { load }) });
  const stop = new AbortController();
  options.signal?.addEventListener('abort', () => { stop.abort(); }, { once: true });
  await runMany({ seeds: numbers, workers, signal: stop.signal, ...(file === undefined ? {} : { file }), onReport: (report) => {
    sums.seeds += 1;
    for (const key of ['steps', 'facts', 'claims', 'jobs'] as const) sums[key] += report[key];
    coverage.add(report);
    least.jobs = Math.min(least.jobs, report.jobs);
    least.faults = Math.min(least.faults, faultsOf(report));
    if (report.violations.length > 0) {
      failed.push(report);
      if (!json && failed.length <= failuresShownMax) out(failureText(report, options.repeat(report.seed)));
      if (stopAtFailure) stop.abort();
    }
    if (performance.now() - saidMs < progressEveryMs) return;
    saidMs = performance.now();
    options.onProgress?.(`${sums.seeds} of ${counted(seeds, 'seed')}, ${Math.round(sums.seeds / ((saidMs - startedMs) / 60_000))} a minute, ${failed.length} failed`);
  } });
  const elapsedMs = performance.now() - startedMs;
  const cpu = process.cpuUsage();
  const figures = {
    ...sums, elapsedMs: Math.round(elapsedMs), cpuMs: Math.round((cpu.user + cpu.system) / 1000), seedsPerMinute: Math.round(sums.seeds / (elapsedMs / 60_000)),
    faultsInjected: coverage.faultsInjected, jobsMin: sums.seeds === 0 ? 0 : least.jobs, faultsMin: sums.seeds === 0 ? 0 : least.faults, reached: coverage.expected.length - coverage.missing.length, sometimes: coverage.expected.length, missing: coverage.missing, failed: failed.length,
  };
  if (json) out(`${JSON.stringify({ ...figures, stubbed: own?.stubbed ?? [], reachedCounts: Object.fromEntries(coverage.reached), failures: failed.map(({ seed, violations }) => ({ seed, violations, repeat: options.repeat(seed) })) })}\n`);
  else out(`${own === null ? reachedText(coverage) : ownText(coverage, own.stubbed)}${summary(figures, workers)}`);
  return { seeds: sums.seeds, failed: failed.length };
}

type Figures = Readonly<Record<'seeds' | 'steps' | 'facts' | 'claims' | 'jobs' | 'jobsMin' | 'faultsMin' | 'elapsedMs' | 'cpuMs' | 'seedsPerMinute' | 'faultsInjected' | 'reached' | 'sometimes' | 'failed', number>> & { readonly missing: readonly string[] };

function summary(figures: Figures, workers: number): string {
  return `${counted(figures.seeds, 'seed')} in ${(figures.elapsedMs / 1000).toFixed(1)} s: ${figures.seedsPerMinute} a minute (${(figures.cpuMs / Math.max(1, figures.seeds)).toFixed(0)} ms of processor time each, ${counted(workers, 'worker')})\n`
    + `${counted(figures.jobs, 'job')}, ${counted(figures.claims, 'claim')}, ${counted(figures.facts, 'fact')}, ${counted(figures.steps, 'step')}; ${counted(figures.faultsInjected, 'fault')} injected; no seed had fewer than ${counted(figures.jobsMin, 'job')} and ${counted(figures.faultsMin, 'fault')}\n`
    + `reached ${figures.reached} of ${figures.sometimes} of what must be reached sometimes${neverText(figures.missing)}\n`
    + `${counted(figures.failed, 'seed')} failed\n`;
}

const missingShownMax = 12;

/** A few seeds reach a few things: to name all the others would hide what was reached. */
function neverText(missing: readonly string[]): string {
  if (missing.length === 0) return '';
  const rest = missing.length - missingShownMax;
  return `; never: ${missing.slice(0, missingShownMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The swarm in figures: faults by kind, and what was reached how often. */
function reachedText({ reached, expected }: Coverage): string {
  const list = (isShown: (what: string) => boolean): string => [...new Set([...expected, ...reached.keys()])].filter(isShown).map((what) => `  ${what} ×${reached.get(what) ?? 0}`).sort().join('\n');
  return `faults\n${list((what) => what.startsWith('fault:') && what !== 'fault:stale')}\nreached\n${list((what) => !what.startsWith('fault:'))}\n`;
}

/** Faults by kind, and how often the workflow went where. */
function ownText(coverage: Coverage, stubbed: readonly string[]): string {
  const faults = [...coverage.reached].filter(([what]) => what.startsWith('fault:')).sort(([, a], [, b]) => b - a).map(([what, count]) => `${what.slice('fault:'.length)} ×${count}`);
  const width = Math.max(0, ...coverage.expected.map((what) => what.length));
  const reached = coverage.expected.map((what) => `  ${what.padEnd(width)}  ${coverage.reached.get(what) ?? 'never'}\n`);
  return `${stubbed.length === 0 ? '' : `stubs   ${stubbed.join(', ')}\n`}faults  ${faults.join(', ')}\nreached\n${reached.join('')}`;
}

/** One of each kind first: ten broken expectations say no more than one. */
function failureText({ seed, violations }: SeedReport, repeat: string): string {
  const kinds = new Map<string, Violation & { readonly more: number }>();
  for (const violation of violations) {
    const kind = violation.invariant === 'expectation' ? violation.what.split('; job ')[0]?.split('"')[1] ?? '' : violation.invariant;
    const known = kinds.get(kind);
    kinds.set(kind, known === undefined ? { ...violation, more: 0 } : { ...known, more: known.more + 1 });
  }
  const shown = [...kinds.values()].slice(0, 5).map(({ invariant, what, records, more }) => `  ${invariant}: ${what}\n${records.slice(0, 25).map((record) => `    ${record}\n`).join('')}${more === 0 ? '' : `    and ${more} more of this kind\n`}`).join('');
  return `seed ${seed} failed (${violations.length} violations)\n${shown}  repeat: ${repeat}\n`;
}
