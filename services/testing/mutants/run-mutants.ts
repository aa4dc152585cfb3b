// node dist/services/testing/mutants/run-mutants.js [--help]
// Plants each bug of the catalogue, one at a time, then those that mask each other together, and counts the seeds until
// the checker that it is tagged with sees it.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { mutantOf, mutants } from './catalogue.js';
import type { Mutant } from './mutant.js';
import { pairs, type Pair } from './pairs.js';
import { plant, type Planted } from './plant.js';
import { pairText, summaryText, tableHead, tableRow } from './render-results.js';
import { needless, summarize, type MutantResult, type PairResult } from './results.js';

const help = `npm run mutants -- [--only ID,…] [--seeds N] [--least N] [--workers N] [--no-pairs] [--json]
Plants known bugs in the runtime and tells which checker of the simulation, or which test, sees each.

  --only ID,…  these alone: ids of mutants, or of pairs as ID+ID
  --seeds N    a bug that is not seen within so many seeds is not caught (default 200)
  --least N    seeds that each bug is run for at least, to learn who else sees it (default 10)
  --workers N  bugs tried side by side (default: one per core, 2 at most)
  --no-pairs   leave out the pairs that mask each other
  --json       one line of JSON instead of the table

Exit code 0: all were caught by the checker that they are tagged with, and each checker is the only
one to see some bug. 1: not so. 2: wrong usage.
`;

const { values } = parseArgs({ options: {
  only: { type: 'string', default: '' }, seeds: { type: 'string', default: '200' }, least: { type: 'string', default: '10' }, workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  'no-pairs': { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });
const [seedsMax, seedsMin, workers] = [Number(values.seeds), Number(values.least), Number(values.workers)];
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const only = values.only.split(',').filter((id) => id !== '');
const isWhole = only.length === 0;
const chosen = isWhole ? mutants : only.filter((id) => !id.includes('+')).map(mutantNamed);
const chosenPairs = isWhole ? (values['no-pairs'] ? [] : pairs) : only.filter((id) => id.includes('+')).map((ids) => pairs.find(({ of }) => of.join('+') === ids) ?? usage(`no pair is called ${ids}`));
if (![seedsMax, seedsMin, workers].every((number) => Number.isSafeInteger(number) && number >= 1)) usage('--seeds, --least and --workers are whole numbers from 1');

const say = (text: string): void => { if (!values.json) process.stdout.write(text); };
const tried = new Map<string, Promise<Planted>>();

say(tableHead());
const results: MutantResult[] = [];
await sideBySide(chosen, async (mutant) => {
  const result = { mutant, ...(await single(mutant)) };
  results.push(result);
  say(tableRow(result));
});
const pairResults: PairResult[] = [];
if (chosenPairs.length > 0) say('\npairs of guards, taken away together\n');
await sideBySide(chosenPairs, async (pair) => {
  const result = await tryPair(pair);
  pairResults.push(result);
  say(pairText(result));
});

const summary = summarize(results);
say(summaryText(summary, isWhole));
if (values.json) process.stdout.write(`${JSON.stringify({ ...summary, results, pairs: pairResults })}\n`);
const isAsItMustBe = results.every(({ seeds, skipped }) => seeds !== null || (skipped && process.env['REQUIRE_KAFKA'] !== '1'))
  && pairResults.every(({ together }) => together.seeds !== null) && (!isWhole || needless(summary).length === 0);
process.exitCode = isAsItMustBe ? 0 : 1;

function single(mutant: Mutant): Promise<Planted> {
  const before = tried.get(mutant.id);
  if (before !== undefined) return before;
  const planted = plant({ ids: [mutant.id], caughtBy: mutant.caughtBy, seedsMin, seedsMax });
  tried.set(mutant.id, planted);
  return planted;
}

async function tryPair(pair: Pair): Promise<PairResult> {
  const [first, second] = pair.of;
  const singles = [await single(mutantOf(first)), await single(mutantOf(second))] as const;
  return { pair, singles, together: await plant({ ids: pair.of, caughtBy: pair.caughtBy, seedsMin, seedsMax }) };
}

async function sideBySide<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  await Promise.all(Array.from({ length: workers }, async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await run(one);
  }));
}

function mutantNamed(id: string): Mutant {
  try {
    return mutantOf(id);
  } catch (error) {
    return usage((error as Error).message);
  }
}

function usage(problem: string): never {
  process.stderr.write(`mutants: ${problem}; see npm run mutants -- --help\n`);
  process.exit(2);
}
