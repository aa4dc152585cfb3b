// Bars of jobs/s and of processor time, a range per system of its latencies, lines of growth and an icicle of the busiest
// service, as SVG by vega (no browser).

import type { PlotLink } from './markdown.js';
import { figureOf, type Results } from './results.js';

export interface Plot extends PlotLink { readonly svg: string }

type Drawing = PlotLink & { readonly spec: object };

/** @param root URL of the project's folder: what draws is a module below bench/, which has its own packages. */
export async function plotsOf(results: Results, root: string): Promise<readonly Plot[]> {
  const { draw } = await import(new URL('bench/report/draw.mjs', root).href) as { readonly draw: (spec: object) => Promise<string> };
  const drawings = [...systemDrawings(results), ...growthDrawings(results), ...profileDrawings(results)];
  return Promise.all(drawings.map(async ({ spec, title, file, section }) => ({ title, file, section, svg: await draw({ ...style, ...spec }) })));
}

function systemDrawings(results: Results): Drawing[] {
  const names = results.systems.map(({ name }) => name);
  const values = names.map((system) => ({
    system, jobsPerS: figureOf(results, system, 'throughput', 'jobsPerS'), cpu: figureOf(results, system, 'throughput', 'cpuPer1000'),
    p50: figureOf(results, system, 'latency', 'p50Ms'), p99: figureOf(results, system, 'latency', 'p99Ms'), ours: system.startsWith('blackboard'),
  })).map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => !Number.isNaN(value))));
  const y = { field: 'system', type: 'nominal', sort: names, title: null };
  const color = { field: 'ours', type: 'nominal', legend: null, scale: { domain: [true, false], range: ['#1f6f8b', '#b8b8b8'] } };
  const bars = (field: string, title: string): object => ({ title, data: { values }, layer: [
    { mark: 'bar', encoding: { y, x: { field, type: 'quantitative', title: null }, color } },
    { mark: { type: 'text', align: 'left', dx: 3 }, encoding: { y, x: { field, type: 'quantitative' }, text: { field, type: 'quantitative', format: ',.3~r' } } },
  ] });
  return [
    { title: 'jobs/s at saturation', file: 'jobs-per-second.svg', section: 'systems', spec: bars('jobsPerS', 'W3: jobs/s at saturation (more is better)') },
    { title: 'processor time', file: 'processor-time.svg', section: 'systems', spec: bars('cpu', 'W3: CPU seconds per 1,000 jobs, all processes (less is better)') },
    { title: 'latency', file: 'latency.svg', section: 'systems', spec: { title: 'W3: one job at a time, p50 to p99, ms (less is better)', data: { values }, layer: [
      { mark: { type: 'rule', strokeWidth: 3 }, encoding: { y, x: { field: 'p50', type: 'quantitative', title: null }, x2: { field: 'p99' }, color } },
      { mark: { type: 'point', filled: true, size: 80 }, encoding: { y, x: { field: 'p50', type: 'quantitative' }, color } },
    ] } },
  ];
}

function growthDrawings({ restores, sweeps }: Results): Drawing[] {
  const line = (values: readonly object[], [x, y]: readonly [string, string], titles: { readonly title: string; readonly x: string; readonly y: string }, scale: 'linear' | 'log' = 'linear'): object => ({
    title: titles.title, data: { values }, mark: { type: 'line', point: true, color: '#1f6f8b' },
    encoding: { x: { field: x, type: 'quantitative', title: titles.x, scale: { type: scale } }, y: { field: y, type: 'quantitative', title: titles.y, scale: { type: scale } } },
  });
  const drawings = sweeps.map(({ name, what, points }): Drawing => ({
    title: `jobs/s by ${name.replace('-', ' ')}`, file: `${name}.svg`, section: 'growth',
    spec: line(points.map(({ at, figures }) => ({ at, jobsPerS: figures['jobsPerS'] })), ['at', 'jobsPerS'], { title: `W3: jobs/s by ${name.replace('-', ' ')}`, x: what, y: 'jobs/s' }),
  }));
  if (restores.length < 2) return drawings;
  return [...drawings, { title: 'restore by open jobs', file: 'restore.svg', section: 'growth', spec: line(restores, ['openJobs', 'snapshotSeconds'], { title: 'Restore from a snapshot and its tail', x: 'open jobs of one partition', y: 'seconds' }, 'log') }];
}

function profileDrawings({ profiles: [slowest] }: Results): Drawing[] {
  if (slowest === undefined) return [];
  const deepest = Math.max(...slowest.frames.map(({ depth }) => depth));
  const x = { field: 'from', type: 'quantitative', title: 'share of busy time', axis: { format: '%', grid: false }, scale: { domain: [0, 1] } };
  const y = { field: 'depth', type: 'quantitative', axis: null, scale: { domain: [deepest + 1, 0] } };
  const letterWide = 0.0075;
  const values = slowest.frames.map((frame) => {
    const letters = Math.floor((frame.to - frame.from) / letterWide);
    return { ...frame, below: frame.depth + 1, middle: frame.depth + 0.5, label: letters < 4 ? '' : frame.name.length > letters ? `${frame.name.slice(0, letters - 1)}…` : frame.name };
  });
  const spec = { title: `Where the ${slowest.service}'s time goes: callers above what they call`, width: 900, height: 18 * (deepest + 1), data: { values }, layer: [
    { mark: { type: 'rect', stroke: 'white', strokeWidth: 0.5 }, encoding: { x, x2: { field: 'to' }, y, y2: { field: 'below' }, color: { field: 'name', type: 'nominal', legend: null, scale: { scheme: 'pastel1' } } } },
    { mark: { type: 'text', align: 'left', baseline: 'middle', dx: 2, fontSize: 10 }, encoding: { x, y: { ...y, field: 'middle' }, text: { field: 'label', type: 'nominal' } } },
  ] };
  return [{ title: `flame graph of the ${slowest.service}`, file: 'flame.svg', section: 'profiles', spec }];
}

const style = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', width: 520, background: 'white', padding: 12, config: { font: 'sans-serif', view: { stroke: null } } };
