// node dist/bench/main.js: W3 on this runtime and on what one would pick instead, the limits of the machine and the
// stages of the runtime, in one run. The report goes to bench/report.md with its plots; --help says the rest.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startRegistry } from '../infra/local/apicurio.js';
import { startBroker } from '../infra/local/broker.js';
import { startPostgres } from '../infra/local/postgres.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { developmentCommand, wholeNumber } from '../services/testing/development-command.js';
import { rawKafka } from './limits/raw-kafka.js';
import { baselineOf, regressions, type Baseline } from './report/baseline.js';
import { markdownOf, shown } from './report/markdown.js';
import { plotsOf } from './report/plots.js';
import type { Results } from './report/results.js';
import { targets, verdictOf } from './report/targets.js';
import { runSystems, type Servers, type Sizes } from './run-systems.js';
import { allSystems } from './systems.js';

const root = pathToFileURL(`${projectRoot}/`).href;
const known = allSystems(root).map(({ name }) => name);

const { short, only, repetitions, jobs, flush, out, json, compare, saveBaseline } = developmentCommand('bench', 'Measures the runtime beside its peers and the limits of the machine; ratios of one run.', ['npm run bench -- --short', 'npm run bench -- --only blackboard,restate --repetitions 1'])
  .option('--only <names>', `systems to run, of: ${known.join(', ')}`, (text) => text.split(','))
  .option('--short', 'this runtime and Restate once, in under three minutes; prints, and writes nothing', false)
  .addOption(wholeNumber('--repetitions <n>', 'turns of each system', 1))
  .addOption(wholeNumber('--jobs <n>', 'of a throughput run', 1))
  .option('--flush', 'broker with log.flush.interval.messages=1: durable like Postgres with fsync', false)
  .option('--out <folder>', 'where the report goes', join(projectRoot, 'bench'))
  .option('--json', 'all figures on stdout', false)
  .option('--compare', 'exit with 1 when a ratio fell behind the committed baseline by more than noise', false)
  .option('--save-baseline', 'make this run the baseline', false)
  .parse().opts<{ short: boolean; only?: string[]; repetitions?: number; jobs?: number; flush: boolean; out: string; json: boolean; compare: boolean; saveBaseline: boolean }>();

const sizes: Sizes = short
  ? { repetitions: repetitions ?? 1, jobs: jobs ?? 4_000, warmUpJobs: 1_500, latencyJobs: 150, slowJobs: 1_000, steadyJobsPerS: 1_000 }
  : { repetitions: repetitions ?? 3, jobs: jobs ?? 10_000, warmUpJobs: 3_000, latencyJobs: 200, slowJobs: 1_000, steadyJobsPerS: 1_000 };
const names = only ?? (short ? ['blackboard', 'restate'] : known);
const strange = names.filter((name) => !known.includes(name));
if (strange.length > 0) fail(`no system "${strange.join(', ')}"; there are ${known.join(', ')}`);
if (!existsSync(join(projectRoot, 'bench/node_modules')) && names.some((name) => !name.startsWith('blackboard'))) fail('the peers are not installed: run "npm ci" in bench/, or measure --only blackboard');

const results = await run();
if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
else printRatios(results);
if (!short) await write(results);
const baselineFile = join(projectRoot, 'bench/baseline.json');
if (saveBaseline) writeFileSync(baselineFile, `${JSON.stringify(baselineOf(results), null, 2)}\n`);
if (compare) {
  const worse = regressions(JSON.parse(readFileSync(baselineFile, 'utf8')) as Baseline, results);
  for (const { what, was, is } of worse) say(`WORSE than the baseline: ${what}: ${shown(was)} → ${shown(is)}`);
  process.exitCode = worse.length > 0 ? 1 : 0;
}

async function run(): Promise<Results> {
  const flushed = flush ? { flushEveryMessage: true } : {};
  say('starting Kafka, registry and Postgres');
  const [broker, registry, postgres] = await Promise.all([startBroker({ security: 'none', fullSpeed: true, ...flushed }), startRegistry(), startPostgres()]);
  const servers: Servers = { broker, registryUrl: registry.url, postgres };
  try {
    const limits = await rawKafka(broker.bootstrap, { hops: sizes.latencyJobs * 2, records: short ? 100_000 : 400_000 });
    say(`raw hop p50 ${shown(limits['hopP50Ms'] ?? 0)} ms, ${shown(limits['producePerS'] ?? 0)} records/s produced, ${shown(limits['consumePerS'] ?? 0)} consumed`);
    const { systems, stages } = await runSystems(allSystems(root).filter(({ name }) => names.includes(name)), servers, sizes, say);
    return {
      atIso: new Date().toISOString(), machine: `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
      durability: flush ? 'Kafka acks=all on one replica, flushed to disk at each record; Postgres with fsync.' : 'Kafka acks=all on one replica, not flushed to disk at each record (see --flush); Postgres with fsync.',
      systems, limits, stages,
    };
  } finally {
    await Promise.all([broker.stop(), registry.stop(), postgres.stop('fast')]);
  }
}

async function write(measured: Results): Promise<void> {
  const plots = await plotsOf(measured, root);
  mkdirSync(join(out, 'plots'), { recursive: true });
  for (const { file, svg } of plots) writeFileSync(join(out, 'plots', file), svg);
  writeFileSync(join(out, 'report.md'), markdownOf(measured, plots.map(({ title, file }) => ({ title, file: `plots/${file}` }))));
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(measured, null, 2)}\n`);
  say(`written to ${join(out, 'report.md')}`);
}

function printRatios(measured: Results): void {
  for (const target of targets) {
    const value = target.value(measured);
    if (Number.isNaN(value)) continue;
    process.stdout.write(`${`${shown(value)} ${target.unit}`.padStart(12)}  ${target.what.padEnd(74)} ${verdictOf(target, value)}\n`);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(message: string): never {
  say(`bench: ${message}`);
  process.exit(2);
}
