// A run as Markdown: ratios first, then what they are made of, then what is unfair about it.

import { figureOf, spreadOf, type Results } from './results.js';
import { targets, verdictOf } from './targets.js';

export function markdownOf(results: Results, plots: readonly { readonly title: string; readonly file: string }[]): string {
  return [
    '# Benchmark report', '',
    `${results.atIso}, ${results.machine}. ${results.durability} Medians of the repetitions of one run, systems interleaved; read the ratios, not the absolutes.`, '',
    '## Ratios', '', ...ratioTable(results), '',
    ...plots.flatMap(({ title, file }) => [`![${title}](${file})`, '']),
    '## Workload W3', '',
    'A job of three sequential steps that do nothing, each result of some 300 bytes durable before the next begins. The clock stops when the outcome can be retrieved; of this runtime, when a SELECT on Postgres shows it.', '',
    ...systemTable(results), '',
    '## Processor seconds per 1,000 jobs, by process', '', ...processorTable(results), '',
    '## Limits of the machine', '', ...figureTable(results.limits), '',
    '## Stages', '', ...Object.entries(results.stages).flatMap(([name, figures]) => [`### ${name}`, '', ...figureTable(figures), '']),
    '## What was compared, and what is unfair about it', '',
    ...results.systems.map(({ name, about, unfair, missing }) => `- **${name}**: ${[...about, unfair, missing === '' ? '' : `not (fully) measured: ${missing}`].filter((part) => part !== '').join('; ')}`), '',
  ].join('\n');
}

function ratioTable(results: Results): string[] {
  return table(['figure', 'measured', 'must', 'go for', ''], targets.map((target) => {
    const { what, unit, must, goFor, better } = target;
    const value = target.value(results);
    const limit = (at: number | null): string => (at === null ? '–' : `${better === 'higher' ? '≥' : '≤'} ${at} ${unit}`);
    return [what, Number.isNaN(value) ? '–' : `${shown(value)} ${unit}`, limit(must), limit(goFor), verdictOf(target, value)];
  }));
}

function systemTable(results: Results): string[] {
  return table(['system', 'jobs/s (lowest–highest)', 'p50 at saturation', 'CPU s per 1,000', 'one at a time p50 / p95 / p99 ms', '1,000 × 500 ms, s', 'bytes written per job'], results.systems.map(({ name }) => {
    const figure = (kind: Parameters<typeof figureOf>[2], what: string): number => figureOf(results, name, kind, what);
    const [low, high] = spreadOf(results, name, 'throughput', 'jobsPerS');
    const written = [figure('throughput', 'walBytesPerJob'), figure('throughput', 'diskBytesPerJob')].find((bytes) => !Number.isNaN(bytes)) ?? Number.NaN;
    return [
      name, `${shown(figure('throughput', 'jobsPerS'))} (${shown(low)}–${shown(high)})`, shown(figure('throughput', 'p50Ms')), shown(figure('throughput', 'cpuPer1000')),
      `${shown(figure('latency', 'p50Ms'))} / ${shown(figure('latency', 'p95Ms'))} / ${shown(figure('latency', 'p99Ms'))}`, shown(figure('slowSteps', 'seconds')), shown(written),
    ];
  }));
}

function processorTable(results: Results): string[] {
  const prefix = 'cpuPer1000:';
  return table(['system', 'by process'], results.systems.map(({ name, throughput }) => {
    const labels = Object.keys(throughput[0] ?? {}).filter((key) => key.startsWith(prefix));
    return [name, labels.map((label) => `${label.slice(prefix.length)} ${shown(figureOf(results, name, 'throughput', label))}`).join(', ')];
  }));
}

function figureTable(figures: Readonly<Record<string, number>>): string[] {
  return table(['figure', 'value'], Object.entries(figures).map(([name, value]) => [name, shown(value)]));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Three digits, thousands apart; a dash where nothing was measured. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(3)).toString();
}
