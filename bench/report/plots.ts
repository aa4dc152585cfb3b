// Bars of jobs/s and of processor time, and a range per system of its latencies, as SVG by vega (no browser).

import { figureOf, type Results } from './results.js';

export interface Plot { readonly title: string; readonly file: string; readonly svg: string }

/** @param root URL of the project's folder: what draws is a module below bench/, which has its own packages. */
export async function plotsOf(results: Results, root: string): Promise<readonly Plot[]> {
  const { draw: svgOf } = await import(new URL('bench/report/draw.mjs', root).href) as { readonly draw: (spec: object) => Promise<string> };
  const draw = (spec: object): Promise<string> => svgOf({ ...style, ...spec });
  const names = results.systems.map(({ name }) => name);
  const values = names.map((system) => ({
    system, jobsPerS: figureOf(results, system, 'throughput', 'jobsPerS'), cpu: figureOf(results, system, 'throughput', 'cpuPer1000'),
    p50: figureOf(results, system, 'latency', 'p50Ms'), p99: figureOf(results, system, 'latency', 'p99Ms'), ours: system.startsWith('blackboard'),
  })).map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => !Number.isNaN(value))));
  const y = { field: 'system', type: 'nominal', sort: names, title: null };
  const color = { field: 'ours', type: 'nominal', legend: null, scale: { domain: [true, false], range: ['#1f6f8b', '#b8b8b8'] } };
  const bars = (field: string, title: string): object => ({ title, data: { values }, layer: [
    { mark: 'bar', encoding: { y, x: { field, type: 'quantitative', title: null }, color } },
    { mark: { type: 'text', align: 'left', dx: 3 }, encoding: { y, x: { field, type: 'quantitative' }, text: { field, format: ',.3~r' } } },
  ] });
  return [
    { title: 'jobs/s at saturation', file: 'jobs-per-second.svg', svg: await draw(bars('jobsPerS', 'W3: jobs/s at saturation (more is better)')) },
    { title: 'processor time', file: 'processor-time.svg', svg: await draw(bars('cpu', 'W3: CPU seconds per 1,000 jobs, all processes (less is better)')) },
    { title: 'latency', file: 'latency.svg', svg: await draw({ title: 'W3: one job at a time, p50 to p99, ms (less is better)', data: { values }, layer: [
      { mark: { type: 'rule', strokeWidth: 3 }, encoding: { y, x: { field: 'p50', type: 'quantitative', title: null }, x2: { field: 'p99' }, color } },
      { mark: { type: 'point', filled: true, size: 80 }, encoding: { y, x: { field: 'p50', type: 'quantitative' }, color } },
    ] }) },
  ];
}

const style = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', width: 520, background: 'white', padding: 12, config: { font: 'sans-serif', view: { stroke: null } } };
