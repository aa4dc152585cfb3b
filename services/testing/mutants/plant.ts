// Runs the simulation, or a test, with bugs planted in the runtime, and tells who saw them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CatchingTest, Checker } from './mutant.js';

export interface Planting {
  /** Of mutants; several are planted together. */
  readonly ids: readonly string[];
  readonly caughtBy: Checker | CatchingTest;
  /** So many seeds are run though the bug was seen before: who else sees it? */
  readonly seedsMin: number;
  /** After so many seeds it is not caught. */
  readonly seedsMax: number;
}

export interface Planted {
  /** Seeds until the tagged checker spoke; of a test 1; null: it did not. */
  readonly seeds: number | null;
  readonly seedsRun: number;
  /** All that spoke in any of the seeds run; of a test the titles that failed. */
  readonly seenBy: readonly string[];
  /** Those that were the only one to speak in some seed: without them, that seed would have passed. */
  readonly aloneInASeed: readonly string[];
  /** The test was skipped, for want of a server. */
  readonly skipped: boolean;
  /** What broke the run itself; empty: nothing did. */
  readonly error: string;
}

interface SimulationOutput {
  readonly failures: readonly { readonly seed: number; readonly violations: readonly { readonly invariant: string }[] }[];
}

const loader = fileURLToPath(new URL('./mutant-loader.js', import.meta.url));
const simulation = fileURLToPath(new URL('../simulation/main.js', import.meta.url));
const services = new URL('../../', import.meta.url);
const patienceMs = 900_000;
const errorCharactersMax = 300;

export function plant(planting: Planting): Promise<Planted> {
  return typeof planting.caughtBy === 'string' ? simulate(planting, planting.caughtBy) : runTest(planting, planting.caughtBy);
}

/** Seeds from 1 on, a few at first and then more at once, until the tagged checker speaks. */
async function simulate({ ids, seedsMin, seedsMax }: Planting, caughtBy: Checker): Promise<Planted> {
  const seenBy = new Set<string>();
  const alone = new Set<string>();
  let seeds: number | null = null;
  let run = 0;
  while (seeds === null && run < seedsMax) {
    const count = Math.min(run === 0 ? seedsMin : run * 2, seedsMax - run);
    const { out, err } = await node([simulation, '--seeds', String(count), '--from', String(run + 1), '--workers', '1', '--json'], ids);
    const output = parse(out);
    if (output === null) return { seeds, seedsRun: run, seenBy: [...seenBy], aloneInASeed: [...alone], skipped: false, error: lastWords(err) };
    for (const { seed, violations } of output.failures) {
      const spoke = new Set(violations.map(({ invariant }) => invariant));
      for (const one of spoke) seenBy.add(one);
      if (spoke.size === 1) for (const one of spoke) alone.add(one);
      if (spoke.has(caughtBy)) seeds = Math.min(seeds ?? Infinity, seed);
    }
    run += count;
  }
  return { seeds, seedsRun: run, seenBy: [...seenBy].sort(), aloneInASeed: [...alone].sort(), skipped: false, error: '' };
}

async function runTest({ ids }: Planting, { test, title }: CatchingTest): Promise<Planted> {
  const pattern = title.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const { out, err } = await node(['--test-reporter=tap', `--test-name-pattern=${pattern}`, fileURLToPath(new URL(test, services))], ids);
  const about = out.split('\n').map((line) => line.trim()).filter((line) => /^(not )?ok \d+ - /.test(line));
  const failed = about.filter((line) => line.startsWith('not ok')).map((line) => line.replace(/^not ok \d+ - /, ''));
  const isCaught = failed.some((one) => one.startsWith(title));
  const skipped = !isCaught && about.some((line) => line.includes('# SKIP') && line.includes(title));
  const error = about.length === 0 ? lastWords(err === '' ? out : err) : '';
  return { seeds: isCaught ? 1 : null, seedsRun: 1, seenBy: failed, aloneInASeed: [], skipped, error };
}

/** What it says goes to a file: who ends with much to say to a pipe is cut short. */
async function node(args: readonly string[], ids: readonly string[]): Promise<{ out: string; err: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  const names = [join(folder, 'out'), join(folder, 'err')] as const;
  const [out, err] = [openSync(names[0], 'w'), openSync(names[1], 'w')];
  try {
    const child = spawn(process.execPath, ['--import', loader, ...args], { env: { ...process.env, BLACKBOARD_MUTANT: ids.join(',') }, stdio: ['ignore', out, err], timeout: patienceMs });
    await once(child, 'close');
    return { out: readFileSync(names[0], 'utf8'), err: readFileSync(names[1], 'utf8') };
  } finally {
    closeSync(out);
    closeSync(err);
    rmSync(folder, { recursive: true, force: true });
  }
}

function parse(out: string): SimulationOutput | null {
  try {
    return JSON.parse(out) as SimulationOutput;
  } catch {
    // The bug broke the run itself: why is in what it said last.
    return null;
  }
}

function lastWords(err: string): string {
  const line = err.split('\n').find((one) => /Error|FATAL/.test(one)) ?? err;
  return line === '' ? `no report within ${patienceMs / 1000} s` : line.slice(0, errorCharactersMax);
}
