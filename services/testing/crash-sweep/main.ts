// node dist/services/testing/crash-sweep/main.js [--embedded | --kafka] [--lanes N] [--only NAME] [--pairs N --seed S] [--json]
// Kills processes before and after each of their I/O seams and checks that nothing is lost, doubled or left behind;
// ends with 0 when every side of every seam was covered and nothing is wrong.

import { Option } from 'commander';
import { developmentCommand, wholeNumber } from '../development-command.js';
import { seamsOf, type SeamMode } from '../../runtime/seam-names.js';
import { killText, type Kill, type SeamSide } from '../../runtime/seams.js';
import { coverageOf, everyKill, randomPairs, type KillReport } from './kills.js';
import { sweepEmbedded, type SweepFigures, type SweepReport } from './sweep-embedded.js';
import { sweepKafka } from './sweep-kafka.js';

const values = developmentCommand('crash-sweep', 'Kills processes (SIGKILL) before and after each of their numbered I/O seams, and checks that nothing is lost, doubled or left behind. Ends with 0 when every side of every seam was covered and nothing is wrong.', [
  'npm run crash-sweep -- --embedded', 'npm run crash-sweep -- --kafka --only projector', 'npm run crash-sweep -- --embedded --pairs 20 --seed 7',
])
  .addOption(new Option('--embedded', 'the embedded default in one process (what is swept unless told otherwise)').conflicts('kafka'))
  .option('--kafka', 'each service a process, on a real Kafka and Postgres')
  .addOption(wholeNumber('--lanes <n>', 'embedded blackboards that are swept side by side', 1, 2))
  .option('--only <name>', 'seams whose name holds this')
  .addOption(wholeNumber('--pairs <n>', 'so many random pairs of crashes instead of every single one', 0, 0))
  .addOption(wholeNumber('--seed <n>', 'of the pairs', 0, 1))
  .option('--json', 'the whole report as JSON')
  .parse().opts<{ embedded?: boolean; kafka?: boolean; lanes: number; only?: string; pairs: number; seed: number; json?: boolean }>();
const mode: SeamMode = values.kafka ? 'kafka' : 'embedded';
const { lanes, pairs: pairCount, seed } = values;

const only = values.only ?? '';
const kills = everyKill(mode).filter(({ name }) => name.includes(only));
const pairs = randomPairs(mode, pairCount, seed);
const total = pairCount > 0 ? 2 * pairCount : kills.length;
let done = 0;
const onKill = ({ kill, isReached, diedAfterMs, problems, recovering = [] }: KillReport): void => {
  done += 1;
  if (!values.json) process.stderr.write(`${String(done).padStart(4)} of ${total}  ${killText(kill).padEnd(42)} ${isReached ? `died after ${(diedAfterMs / 1000).toFixed(1)} s` : 'NEVER REACHED'}${recovering.length === 0 ? '' : `, while ${recovering.join(' and ')} recovered`}${problems.length === 0 ? '' : `  ${problems.length} PROBLEMS`}\n`);
};

const report = merged(await sweep());
const coverage = coverageOf(report.kills, mode);
const wrong = [...report.problems, ...report.kills.flatMap(({ kill, problems }) => problems.map((problem) => `${killText(kill)}: ${problem}`))];
const unreached = report.kills.filter(({ isReached }) => !isReached).map(({ kill }) => killText(kill));
if (values.json) process.stdout.write(`${JSON.stringify({ mode, ...(pairCount > 0 ? { pairs: pairCount, seed } : {}), coverage, unreached, wrong, figures: report.figures, kills: report.kills })}\n`);
else process.stdout.write(text());
process.exitCode = wrong.length === 0 && unreached.length === 0 && (pairCount > 0 || only !== '' || coverage.missing.length === 0) ? 0 : 1;

async function sweep(): Promise<readonly SweepReport[]> {
  if (mode === 'kafka') return [await sweepKafka({ name: 'sweep', onKill, ...(pairCount > 0 ? { pairs } : { kills }) })];
  // A pair's second crash comes while the first is being recovered from: one after the other in one lane.
  const parts = Array.from({ length: lanes }, (_, lane) => (pairCount > 0 ? pairs.filter((_pair, index) => index % lanes === lane).flat() : laneOf(kills, lane)));
  return Promise.all(parts.filter((part) => part.length > 0).map((part, lane) => sweepEmbedded({ kills: part, name: `lane-${lane}`, onKill })));
}

/** The first lane has what a folder's first start does. */
function laneOf(all: readonly Kill[], lane: number): readonly Kill[] {
  const setup = all.filter(({ name }) => name.startsWith('setup.'));
  const others = all.filter(({ name }) => !name.startsWith('setup.'));
  const shift = lanes > 1 ? Math.floor(setup.length / 2) : 0;
  const cut = (index: number): number => Math.round((index * others.length) / lanes) - (index > 0 && index < lanes ? shift : 0);
  return [...(lane === 0 ? setup : []), ...others.slice(cut(lane), cut(lane + 1))];
}

function merged(reports: readonly SweepReport[]): SweepReport {
  const sum = (key: keyof SweepFigures): number => reports.reduce((total, { figures }) => total + figures[key], 0);
  return {
    kills: reports.flatMap((one) => one.kills), problems: reports.flatMap((one) => one.problems),
    figures: {
      elapsedMs: Math.max(...reports.map(({ figures }) => figures.elapsedMs)), jobs: sum('jobs'), acknowledged: sum('acknowledged'), facts: sum('facts'), stale: sum('stale'), rows: sum('rows'),
      decisionsTakenAgain: sum('decisionsTakenAgain'), runs: sum('runs'), runsAgain: sum('runsAgain'),
    },
  };
}

function text(): string {
  const { figures } = report;
  const cell = (name: string, side: SeamSide): string => {
    const here = report.kills.filter(({ kill }) => kill.name === name && kill.side === side);
    const bad = here.filter(({ isReached, problems }) => !isReached || problems.length > 0).length;
    return here.length === 0 ? '-' : bad > 0 ? `${bad} of ${here.length} WRONG` : `${here.length} ok`;
  };
  const rows = seamsOf(mode).filter(({ name }) => name.includes(only)).map(({ number, name }) => `${String(number).padStart(3)}  ${name.padEnd(34)} ${cell(name, 'before').padEnd(14)} ${cell(name, 'after')}\n`);
  return `\n  #  ${'seam'.padEnd(34)} ${'before'.padEnd(14)} after\n${rows.join('')}\n`
    + `${report.kills.length} crashes in ${(figures.elapsedMs / 1000).toFixed(0)} s; ${figures.jobs} jobs, each with one terminal; ${figures.acknowledged} acknowledged writes, all in the log\n`
    + `${figures.facts} records of verified (${figures.stale} of them inert), ${figures.rows} audit rows; ${figures.decisionsTakenAgain} decisions taken again\n`
    + `${figures.runs} runs of agents and asks of models, ${figures.runsAgain} of them again after a crash, none twice in one process\n`
    + wrong.map((problem) => `WRONG: ${problem}\n`).join('')
    + (unreached.length === 0 ? '' : `never reached: ${unreached.join(', ')}\n`)
    + `seams x sides covered: ${coverage.covered} of ${coverage.of} (${Math.floor((100 * coverage.covered) / coverage.of)} %)\n`;
}
