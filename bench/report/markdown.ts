// A run as Markdown: ratios first, then what they are made of, then what is unfair about it.

import { capacityMarkdown } from '../capacity/capacity-markdown.js';
import type { Figures } from '../w3/measure.js';
import type { HotFunctions } from './profiles.js';
import { figureOf, othersShareOf, spreadOf, type Results } from './results.js';
import { shown, table } from './table.js';
import { targets, verdictOf } from './targets.js';

export interface PlotLink { readonly title: string; readonly file: string; readonly section: 'systems' | 'growth' | 'profiles' }

export function markdownOf(results: Results, plots: readonly PlotLink[]): string {
  const plotsIn = (section: PlotLink['section']): string[] => plots.filter((plot) => plot.section === section).flatMap(({ title, file }) => [`![${title}](${file})`, '']);
  const others = Math.max(0, ...results.systems.map(({ name }) => othersShareOf(results, name)).filter(Number.isFinite));
  return [
    '# Benchmark report', '',
    `${results.atIso}, ${results.machine}; ${shown(results.tookSeconds / 60)} minutes. Kafka acks of all on one replica; Postgres with fsync. Medians of ${results.repetitions} interleaved repetition${results.repetitions === 1 ? '' : 's'} of one run: read the ratios, not the absolutes.`, '',
    others > 0.1 ? `**Others used up to ${Math.round(100 * others)} % of the machine during a measurement: repeat this run on an idle one.**` : `Others used at most ${Math.round(100 * others)} % of the machine during any measurement.`, '',
    '## Ratios', '', ...ratioTable(results), '', ...plotsIn('systems'),
    '## Workload W3', '',
    'A job of three sequential steps that do nothing, each result of some 300 bytes durable before the next begins. The clock stops when the outcome can be retrieved; of this runtime, when a SELECT on Postgres shows it, and, in the second table, when its terminal fact can be read from the log.', '',
    ...systemTable(results), '', ...factTable(results), '',
    '### Processor seconds per 1,000 jobs, by process', '', ...processorTable(results), '',
    '## Limits of the machine', '', ...figureTable(results.limits), '',
    '## Stages', '', ...Object.entries(results.stages).flatMap(([name, figures]) => [`### ${name}`, '', stageTexts[name] ?? '', '', ...figureTable(figures), '']),
    ...growth(results, plotsIn('growth')),
    '## Capacity', '', ...capacityMarkdown(results), '',
    ...profiles(results.profiles, plotsIn('profiles')),
    '## What was compared, and what is unfair about it', '',
    ...results.systems.map(({ name, about, unfair, missing }) => `- **${name}**: ${[...about, unfair, missing === '' ? '' : `not (fully) measured: ${missing}`].filter((part) => part !== '').join('; ')}`), '',
  ].join('\n');
}

const stageTexts: Readonly<Record<string, string>> = {
  steady: 'Jobs at a fixed rate: how long a terminal fact was on the log before a SELECT showed its outcome.',
  fold: 'Facts read through the log port and folded, beside plain kafkajs that only reads, and that reads and decodes.',
  decode: 'Nanoseconds per fact.',
  decisions: 'Gate, decide and evolve on recorded claims, no I/O: alone, with the encoding of facts, and the inspection of claims (signature, contract, route).',
  replay: 'Every decision taken again and compared byte by byte, read from the broker.',
  drain: 'The projector on an empty database until it has caught up, and COPY of the very same rows.',
};

function ratioTable(results: Results): string[] {
  return table(['figure', 'must', 'go for', 'measured', ''], targets.map((target) => {
    const { what, unit, must, goFor, better } = target;
    const value = target.value(results);
    const limit = (at: number | null): string => (at === null ? '–' : `${better === 'higher' ? '≥' : '≤'} ${at} ${unit}`);
    return [what, limit(must), limit(goFor), Number.isNaN(value) ? '–' : `${shown(value)} ${unit}`, verdictOf(target, value)];
  }));
}

function systemTable(results: Results): string[] {
  return table(['system', 'jobs/s (lowest–highest)', 'steps/s', 'p50 / p99 at saturation, ms', 'CPU s per 1,000', 'one at a time p50 / p95 / p99, ms', '1,000 × 500 ms, s', 'bytes to disk / WAL per job', 'others'], results.systems.map(({ name }) => {
    const figure = (kind: Parameters<typeof figureOf>[2], what: string): string => shown(figureOf(results, name, kind, what));
    const [low, high] = spreadOf(results, name, 'throughput', 'jobsPerS');
    return [
      name, `${figure('throughput', 'jobsPerS')} (${shown(low)}–${shown(high)})`, figure('throughput', 'stepsPerS'), `${figure('throughput', 'p50Ms')} / ${figure('throughput', 'p99Ms')}`, figure('throughput', 'cpuPer1000'),
      `${figure('latency', 'p50Ms')} / ${figure('latency', 'p95Ms')} / ${figure('latency', 'p99Ms')}`, figure('slowSteps', 'seconds'),
      `${figure('throughput', 'diskBytesPerJob')} / ${figure('throughput', 'walBytesPerJob')}`, `${shown(100 * othersShareOf(results, name))} %`,
    ];
  }));
}

function factTable(results: Results): string[] {
  const rows = results.systems.filter(({ factLatency }) => factLatency.length > 0).map(({ name }) => [
    name, ['p50Ms', 'p95Ms', 'p99Ms'].map((what) => shown(figureOf(results, name, 'factLatency', what))).join(' / '), shown(figureOf(results, name, 'factThroughput', 'jobsPerS')),
  ]);
  return rows.length === 0 ? [] : table(['to the terminal fact', 'one at a time p50 / p95 / p99, ms', 'jobs/s at saturation'], rows);
}

function processorTable(results: Results): string[] {
  const prefix = 'cpuPer1000:';
  return table(['system', 'by process'], results.systems.map(({ name, throughput }) => {
    const labels = Object.keys(throughput[0] ?? {}).filter((key) => key.startsWith(prefix));
    return [name, labels.map((label) => `${label.slice(prefix.length)} ${shown(figureOf(results, name, 'throughput', label))}`).join(', ')];
  }));
}

function figureTable(figures: Figures): string[] {
  return table(['figure', 'value'], Object.entries(figures).map(([name, value]) => [name, shown(value)]));
}

function growth({ restores, sweeps }: Results, plots: readonly string[]): string[] {
  if (restores.length === 0 && sweeps.length === 0) return [];
  const seconds = (figures: Figures, name: string): string => shown(figures[name] ?? Number.NaN);
  const columns = { jobsPerS: 'jobs/s', cpuPer1000: 'CPU s per 1,000', lightP50Ms: 'one at a time p50, ms', p99Ms: 'p99 at saturation, ms', foldedPerS: 'facts folded/s', othersShare: 'share of others' };
  return [
    '## Growth', '',
    ...(restores.length === 0 ? [] : ['### Restore, by open jobs of one partition', '', ...table(['open jobs', 'snapshot and tail, s', 'whole log, s', 'taking a snapshot, s', 'KB in memory per open job', 'bytes of snapshot per open job'], restores.map((figures) => ['openJobs', 'snapshotSeconds', 'logSeconds', 'takeSnapshotSeconds', 'jobKb', 'snapshotBytesPerJob'].map((name) => seconds(figures, name)))), '']),
    ...sweeps.flatMap(({ name, what, points }) => {
      const found = Object.entries(columns).filter(([column]) => points.some(({ figures }) => figures[column] !== undefined));
      return [`### By ${name.replace('-', ' ')}`, '', ...table([what, ...found.map(([, title]) => title)], points.map(({ at, figures }) => [shown(at), ...found.map(([column]) => seconds(figures, column))])), ''];
    }),
    ...plots,
  ];
}

function profiles(found: readonly HotFunctions[], plots: readonly string[]): string[] {
  const [slowest] = found;
  if (slowest === undefined) return [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    '## Where the time goes', '',
    `A run at saturation with V8's sampling profiler in each process, apart from what was measured; busy seconds with start and warm-up: ${found.map(({ service, busySeconds }) => `${service} ${shown(busySeconds)}`).join(', ')}. The ${slowest.service} is the busiest:`, '',
    ...table(['by itself', 'function'], slowest.functions.map(({ name, share }) => [percent(share), `\`${name}\``])), '',
    ...table(['by itself', 'package'], slowest.packages.map(({ name, share }) => [percent(share), name])), '', ...plots,
  ];
}
