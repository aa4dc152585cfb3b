// A run of the catalogue as a person reads it: a table at most 100 columns wide, then what it comes to.

import { checkers, rules, type Mutant } from './mutant.js';
import type { Planted } from './plant.js';
import { needless, type MutantResult, type PairResult, type Summary } from './results.js';

const width = { id: 40, breaks: 8, must: 5, seeds: 10 } as const;
const columnsMax = 100;

export function tableHead(): string {
  return row('planted bug', 'breaks', 'must', 'seeds', 'seen by');
}

export function tableRow({ mutant, ...planted }: MutantResult): string {
  const seenBy = typeof mutant.caughtBy === 'string' ? planted.seenBy.join(' ') : mutant.caughtBy.test.replace(/^.*\//, '').replace(/\.js$/, '');
  return row(mutant.id, mutant.breaks, mustOf(mutant), seedsOf(mutant, planted), seenBy) + (planted.error === '' ? '' : cut(`  ${planted.error}`) + '\n');
}

export function pairText({ pair, singles, together }: PairResult): string {
  const said = (planted: Planted): string => (planted.seenBy.length === 0 ? `masked (${planted.seedsRun} seeds)` : `seen by ${planted.seenBy.join(' ')}`);
  const [first, second] = pair.of;
  const both = together.seeds === null ? 'NOT CAUGHT' : `caught at seed ${together.seeds} by ${together.seenBy.join(' ')}`;
  return [`${pair.guards}: ${both}`, `  ${first}: ${said(singles[0])}`, `  ${second}: ${said(singles[1])}`].map((line) => `${cut(line)}\n`).join('');
}

export function summaryText(summary: Summary, isWhole: boolean): string {
  const { caught, total, skipped, medianSeeds, byRule, alone } = summary;
  const head = `\n${caught} of ${total} planted bugs caught, median ${medianSeeds} seeds${skipped === 0 ? '' : `; ${skipped} not tried, for want of a server`}\n`;
  const ruleNames = [...rules, ...Object.keys(byRule).filter((name) => !(rules as readonly string[]).includes(name))];
  const perRule = wrap('by rule: ', ruleNames.map((rule) => `${rule} ${byRule[rule]?.caught ?? 0}/${byRule[rule]?.total ?? 0}`));
  if (!isWhole) return head + perRule;
  const needed = checkers.map((checker) => {
    const { always, inASeed, whyNever } = alone[checker];
    if (inASeed.length === 0) return whyNever === '' ? '' : wrap(`${checker.padEnd(4)} never: `, whyNever.split(' '), ' ');
    return wrap(`${checker.padEnd(4)} ${always.length > 0 ? 'always' : 'at times'}: `, always.length > 0 ? always : inASeed);
  }).join('');
  const missing = needless(summary);
  return `${head}${perRule}\nbugs that only one checker sees\n${needed}${missing.length === 0 ? '' : `NEEDED BY NO BUG: ${missing.join(' ')}; give each one of its own, or say in never-alone.ts why there is none\n`}`;
}

function mustOf({ caughtBy }: Mutant): string {
  return typeof caughtBy === 'string' ? caughtBy : 'test';
}

function seedsOf({ caughtBy }: Mutant, { seeds, skipped }: Planted): string {
  if (seeds === null) return skipped ? 'not tried' : 'NOT CAUGHT';
  return typeof caughtBy === 'string' ? String(seeds) : '-';
}

function row(id: string, breaks: string, must: string, seeds: string, seenBy: string): string {
  return `${cut(`${id.padEnd(width.id)} ${breaks.padEnd(width.breaks)} ${must.padEnd(width.must)} ${seeds.padEnd(width.seeds)} ${seenBy}`)}\n`;
}

function cut(line: string): string {
  return line.length <= columnsMax ? line.trimEnd() : `${line.slice(0, columnsMax - 1)}…`;
}

function wrap(head: string, words: readonly string[], separator = ', '): string {
  const lines = [head];
  for (const [index, word] of words.entries()) {
    const text = word + (index < words.length - 1 ? separator : '');
    const last = lines[lines.length - 1] as string;
    if (last.trimEnd() !== head.trimEnd() && last.length + text.trimEnd().length > columnsMax) lines.push(`  ${text}`);
    else lines[lines.length - 1] = last + text;
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
