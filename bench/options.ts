// What `npm run bench` can be asked for.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../services/runtime/project-root.js';
import { developmentCommand, wholeNumber } from '../services/testing/development-command.js';
import type { Sizes } from './run-systems.js';
import type { SweepSizes } from './sweeps/sweeps.js';
import type { SystemChoice } from './systems.js';

export interface Options {
  readonly choices: readonly SystemChoice[];
  readonly sizes: Sizes;
  /** Null: no sweeps. */
  readonly sweepSizes: SweepSizes | null;
  readonly rawRecords: number;
  /** Numbers of open jobs that are restored. */
  readonly restores: readonly number[];
  /** Folder for processor profiles; null: none are taken. */
  readonly profiles: string | null;
  /** Where the report goes; null: it is only printed. */
  readonly out: string | null;
  /** Results of an earlier run to read the capacity model from instead of measuring; null: measure. */
  readonly capacityOf: string | null;
  readonly json: boolean;
  readonly compare: boolean;
  readonly saveBaseline: boolean;
}

interface Given {
  readonly short: boolean;
  readonly only?: readonly string[];
  readonly repetitions?: number;
  readonly jobs?: number;
  readonly sweeps: boolean;
  readonly restores?: readonly number[];
  readonly profiles?: string;
  readonly capacity?: string | true;
  readonly out?: string;
  readonly json: boolean;
  readonly compare: boolean;
  readonly saveBaseline: boolean;
}

/** Ends the process with 2 and a sentence where the command line makes no sense. */
export function optionsFrom(known: readonly SystemChoice[], say: (line: string) => void): Options {
  const given = parse(known.map(({ name }) => name));
  const { short, json, compare, saveBaseline } = given;
  const jobs = given.jobs ?? (short ? 4_000 : 6_000);
  const choices = chosen(known, given, say);
  const folder = join(projectRoot, 'bench');
  return {
    choices, json, compare, saveBaseline,
    sizes: {
      jobs, repetitions: given.repetitions ?? (short ? 1 : 3), warmUpJobs: Math.min(jobs, short ? 1_500 : 3_000), latencyJobs: Math.min(jobs, short ? 150 : 200), slowJobs: 1_000,
      steadyJobsPerS: 1_000, steadySeconds: short ? 4 : 8,
    },
    sweepSizes: short || !given.sweeps ? null : { jobs: Math.ceil(jobs / 2), warmUpJobs: Math.min(jobs, 1_000), latencyJobs: Math.min(jobs, 100), widths: [1, 4, 16], rounds: 3 },
    rawRecords: short ? 100_000 : 400_000, restores: given.restores ?? (short ? [10_000] : [1_000, 10_000, 100_000]),
    profiles: given.profiles ?? null, out: given.out ?? (short ? null : folder),
    capacityOf: given.capacity === undefined ? null : given.capacity === true ? join(folder, 'results.json') : given.capacity,
  };
}

function parse(names: readonly string[]): Given {
  return developmentCommand('bench', 'Measures the runtime beside its peers and the limits of the machine; ratios of one run.', ['npm run bench -- --short', 'npm run bench -- --only blackboard,restate --repetitions 1', 'npm run bench -- --capacity'])
    .option('--only <names>', `systems to run, of: ${names.join(', ')}`, (text) => text.split(','))
    .option('--short', 'this runtime and Restate once, in under three minutes; prints, and writes nothing', false)
    .addOption(wholeNumber('--repetitions <n>', 'turns of each system', 1))
    .addOption(wholeNumber('--jobs <n>', 'of a throughput run', 1))
    .option('--no-sweeps', 'leave out partitions, replicas of agents, and length of the log')
    .option('--restores <n,n>', 'numbers of open jobs to restore; 0: none', (text) => text.split(',').map(Number).filter((jobs) => jobs > 0))
    .option('--profiles <folder>', 'keep a processor profile of each service there, and put the busiest into the report')
    .option('--capacity [results]', 'measure nothing: the capacity model from the results of a run (default: bench/results.json)')
    .option('--out <folder>', 'where report.md, plots/ and results.json go (default: bench; with --short nowhere)')
    .option('--json', 'all figures on stdout', false)
    .option('--compare', 'exit with 1 when a ratio fell behind bench/baseline.json by more than noise', false)
    .option('--save-baseline', 'make this run the baseline', false)
    .parse().opts<Given>();
}

function chosen(known: readonly SystemChoice[], { only, short }: Given, say: (line: string) => void): readonly SystemChoice[] {
  const names = only ?? (short ? ['blackboard', 'restate'] : known.map(({ name }) => name));
  const strange = names.filter((name) => !known.some((choice) => choice.name === name));
  if (strange.length > 0) fail(say, `no system "${strange.join(', ')}"; there are ${known.map(({ name }) => name).join(', ')}`);
  const wanted = known.filter(({ name }) => names.includes(name));
  const isOurs = ({ name }: SystemChoice): boolean => name.startsWith('blackboard');
  if (existsSync(join(projectRoot, 'bench/node_modules')) || wanted.every(isOurs)) return wanted;
  if (only !== undefined || !short) fail(say, 'the peers are not installed: run "npm ci --prefix bench", or measure --only blackboard');
  say('the peers are not installed (npm ci --prefix bench): this runtime alone');
  return wanted.filter(isOurs);
}

function fail(say: (line: string) => void, message: string): never {
  say(`bench: ${message}`);
  process.exit(2);
}
