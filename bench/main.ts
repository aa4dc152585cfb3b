// node dist/bench/main.js: W3 on this runtime and on what one would pick instead, the limits of the machine and the
// stages of the runtime, in one run. The report goes to bench/report.md with its plots; --help says the rest.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../services/runtime/project-root.js';
import { progress } from '../services/testing/development-command.js';
import { capacityMarkdown } from './capacity/capacity-markdown.js';
import { Driver } from './driver.js';
import { RawKafka } from './limits/raw-kafka.js';
import { optionsFrom } from './options.js';
import { baselineOf, regressions, type Baseline } from './report/baseline.js';
import { markdownOf } from './report/markdown.js';
import { plotsOf } from './report/plots.js';
import { mediansOf, othersShareOf, type Results } from './report/results.js';
import { shown } from './report/table.js';
import { targets, verdictOf } from './report/targets.js';
import { runSystems } from './run-systems.js';
import { startServers, type Servers } from './servers.js';
import { profileRun } from './stages/profile-run.js';
import { restore, restoreEnded } from './stages/restore.js';
import { runSweeps } from './sweeps/sweeps.js';
import { allSystems } from './systems.js';
import type { Figures } from './w3/measure.js';

const say = progress();
const root = pathToFileURL(`${projectRoot}/`).href;
const options = optionsFrom(allSystems(root), refuse);
const baselineFile = join(projectRoot, 'bench/baseline.json');
if (options.capacityOf !== null && !existsSync(options.capacityOf)) {
  refuse(`bench: there is no ${options.capacityOf}: run "npm run bench" first, or name the results.json of a run`);
  process.exitCode = 2;
} else if (options.capacityOf !== null) process.stdout.write(`${capacityMarkdown(JSON.parse(readFileSync(options.capacityOf, 'utf8')) as Results).join('\n')}\n`);
else await measureAll();

async function measureAll(): Promise<void> {
  const results = await run();
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else printRatios(results);
  if (options.out !== null) await write(results, options.out);
  if (options.saveBaseline) writeFileSync(baselineFile, `${JSON.stringify(baselineOf(results), null, 2)}\n`);
  if (results.systems.some(({ name, missing }) => name.startsWith('blackboard') && missing !== '')) process.exitCode = 1;
  if (options.compare) compare(results);
}

async function run(): Promise<Results> {
  const { choices, sizes, sweepSizes, rawRecords } = options;
  const startedMs = performance.now();
  const atIso = new Date().toISOString();
  say('starting Kafka, registry and Postgres');
  const servers = await startServers();
  onceToldToEnd(servers);
  try {
    const raw = await RawKafka.open(servers.broker.bootstrap);
    const batches = await raw.batches(rawRecords);
    say(`raw: ${shown(batches['producePerS'] ?? 0)} records/s produced, ${shown(batches['producerPerfPerS'] ?? 0)} by Kafka's own producer-perf, ${shown(batches['consumePerS'] ?? 0)} consumed`);
    const { systems, stages, limits } = await runSystems(choices, { servers, raw }, sizes, say);
    await raw.close();
    const ours = choices.find(({ name }) => name === 'blackboard');
    const sweeps = sweepSizes === null || ours === undefined ? [] : await runSweeps({ choice: ours, servers, sizes: sweepSizes, say });
    return {
      atIso, machine: `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`, repetitions: sizes.repetitions,
      systems, stages: ours === undefined ? stages : { ...stages, ...await runEnded() }, sweeps, limits: { ...mediansOf(limits), ...batches }, restores: ours === undefined ? [] : await runRestores(), profiles: await runProfiles(servers), tookSeconds: (performance.now() - startedMs) / 1000,
    };
  } finally {
    await servers.stop();
  }
}

/** The drivers first: their services would go on trying for servers that are gone. */
function onceToldToEnd(servers: Servers): void {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    process.once(signal, () => {
      say(`${signal}: stopping what runs`);
      void Driver.stopAll().then(() => servers.stop()).finally(() => process.exit(code));
    });
  }
}

async function runRestores(): Promise<readonly Figures[]> {
  const restores: Figures[] = [];
  for (const jobs of options.restores) {
    say(`restore of ${shown(jobs)} open jobs`);
    restores.push(await restore(jobs));
  }
  return restores;
}

async function runEnded(): Promise<Results['stages']> {
  const jobs = Math.max(0, ...options.restores);
  if (jobs === 0) return {};
  say(`restore of ${shown(jobs)} jobs that have ended`);
  return { ended: await restoreEnded(jobs) };
}

async function runProfiles(servers: Servers): Promise<Results['profiles']> {
  const ours = options.choices.find(({ name }) => name === 'blackboard');
  if (options.profiles === null || ours === undefined) return [];
  say('a run with processor profiles');
  return profileRun(ours, servers, options.profiles, options.sizes.jobs);
}

async function write(measured: Results, out: string): Promise<void> {
  const hasPlots = existsSync(join(projectRoot, 'bench/node_modules/vega'));
  if (!hasPlots) say('no plots: vega is not installed (npm ci --prefix bench)');
  const plots = hasPlots ? await plotsOf(measured, root) : [];
  mkdirSync(join(out, 'plots'), { recursive: true });
  for (const { file, svg } of plots) writeFileSync(join(out, 'plots', file), svg);
  writeFileSync(join(out, 'report.md'), markdownOf(measured, plots.map(({ title, file, section }) => ({ title, file: `plots/${file}`, section }))));
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(measured, null, 2)}\n`);
  say(`written to ${join(out, 'report.md')}`);
}

function compare(results: Results): void {
  if (!existsSync(baselineFile)) {
    say(`there is no ${baselineFile} to compare with: make one with --save-baseline`);
    process.exitCode = 2;
    return;
  }
  const worse = regressions(JSON.parse(readFileSync(baselineFile, 'utf8')) as Baseline, results);
  for (const { what, was, is } of worse) say(`WORSE than the baseline: ${what}: ${shown(was)} → ${shown(is)}`);
  if (worse.length === 0) say('no ratio fell behind the baseline by more than noise');
  if (worse.length > 0) process.exitCode = 1;
}

function printRatios(measured: Results): void {
  for (const target of targets) {
    const value = target.value(measured);
    if (Number.isNaN(value)) continue;
    process.stdout.write(`${`${shown(value)} ${target.unit}`.padStart(12)}  ${target.what.padEnd(74)} ${verdictOf(target, value)}\n`);
  }
  for (const { name, missing } of measured.systems) {
    process.stdout.write(missing === '' ? `others used at most ${Math.round(100 * othersShareOf(measured, name))} % of the machine while ${name} was measured\n` : `${name} was not (fully) measured: ${missing}\n`);
  }
  process.stdout.write(`${shown(measured.tookSeconds)} s in all\n`);
}

function refuse(line: string): void {
  process.stderr.write(`${line}\n`);
}
