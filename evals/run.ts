// Runs the golden set and compares with the committed baseline. Exit code 1: a score fell or a pinned document changed;
// with --require-targets also a target that the report half misses, which is always printed.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { projectRoot } from '../services/runtime/project-root.js';
import { indexPassages } from '../workflows/brief/rank-passages.js';
import { answer } from './answer.js';
import { readGolden, readGoldenCorpus } from './golden.js';
import { parseBaseline, regressionsOf, scoreAnswer, sumUp, targets } from './score.js';
import type { QuestionScore, Scores } from './score.js';

const baselinePath = join(projectRoot, 'evals', 'baseline.json');
const labels: Readonly<Record<keyof Scores, string>> = {
  quoteValidity: 'quotes that stand at their place',
  expectedPassage: 'expected passage among the findings',
  citationCoverage: 'sentences covered by their citations',
  honestCannotVerify: 'unanswerable answered as such',
};

export interface EvalReport {
  readonly scores: { readonly tune: Scores; readonly report: Scores };
  readonly questions: readonly QuestionScore[];
  readonly changed: readonly string[];
}

/** Runs every question of the golden set in this process, without I/O but reading the documents. */
export function runEvals(): EvalReport {
  const golden = readGolden();
  const corpus = readGoldenCorpus(golden);
  const index = indexPassages(corpus.sources);
  const texts = new Map(corpus.sources.map((source) => [source.document.textHash, source]));
  const questions = golden.questions.map((question) => scoreAnswer(question, answer(question.question, corpus, index), texts));
  const half = (name: 'tune' | 'report'): Scores => sumUp(questions.filter((question) => question.half === name));
  return { scores: { tune: half('tune'), report: half('report') }, questions, changed: corpus.changed };
}

/** Runs, prints and compares. Returns the exit code. */
export function main(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, verbose: { type: 'boolean' }, 'update-baseline': { type: 'boolean' }, 'require-targets': { type: 'boolean' } } });
  const report = runEvals();
  // Scores over other documents than the golden set was written for are no baseline.
  if (values['update-baseline'] === true && report.changed.length === 0) writeFileSync(baselinePath, `${JSON.stringify(report.scores, null, 1)}\n`);
  const baseline = parseBaseline(readFileSync(baselinePath, 'utf8'));
  const regressions = regressionsOf(report.scores, baseline);
  const missed = (Object.keys(targets) as (keyof Scores)[]).filter((score) => report.scores.report[score] < targets[score]);
  const failed = regressions.length > 0 || report.changed.length > 0 || (values['require-targets'] === true && missed.length > 0);
  if (values.json === true) process.stdout.write(`${JSON.stringify({ ...report, baseline, targets, regressions, missed, passed: !failed })}\n`);
  else print(report, baseline, { regressions, missed, verbose: values.verbose === true });
  return failed ? 1 : 0;
}

interface Findings {
  readonly regressions: ReturnType<typeof regressionsOf>;
  readonly missed: readonly (keyof Scores)[];
  readonly verbose: boolean;
}

function print(report: EvalReport, baseline: EvalReport['scores'], { regressions, missed, verbose }: Findings): void {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const table = new Table({ head: ['score (extractive mode)', 'tune half', 'report half', 'baseline (report)', 'target'], style: { head: [], border: [] } });
  for (const score of Object.keys(labels) as (keyof Scores)[]) {
    table.push([labels[score], percent(report.scores.tune[score]), percent(report.scores.report[score]), percent(baseline.report[score]), percent(targets[score])]);
  }
  const of = (half: string, answerable: boolean): number => report.questions.filter((question) => question.half === half && question.answerable === answerable).length;
  const lines = [table.toString(), `tune: ${of('tune', true)} answerable, ${of('tune', false)} unanswerable; report: ${of('report', true)} answerable, ${of('report', false)} unanswerable. Thresholds are tuned on the tune half only.`];
  // Misses of the report half are not listed: nobody should tune to them.
  if (verbose) for (const { id, half, passageFound, honest, findings } of report.questions) if (half === 'tune' && (passageFound === false || honest === false)) lines.push(`missed: ${id} (${half}), ${findings} findings`);
  for (const document of report.changed) lines.push(`changed document: ${document}. Install the pinned packages (npm ci), or renew evals/golden.json.`);
  for (const { half, score, was, is } of regressions) lines.push(`regression: ${labels[score]}, ${half} half: was ${percent(was)}, is ${percent(is)}`);
  for (const score of missed) lines.push(`below target: ${labels[score]} is ${percent(report.scores.report[score])}, ${percent(targets[score])} is wanted`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = main(process.argv.slice(2));
