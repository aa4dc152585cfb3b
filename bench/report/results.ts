// All that one run measured.

import type { SystemResult } from '../run-systems.js';
import type { Sweep } from '../sweeps/sweeps.js';
import type { Figures } from '../w3/measure.js';
import { median } from '../w3/percentile.js';
import type { HotFunctions } from './profiles.js';

export interface Results {
  readonly atIso: string;
  readonly machine: string;
  readonly tookSeconds: number;
  readonly repetitions: number;
  readonly systems: readonly SystemResult[];
  /** Raw client, broker and Postgres. */
  readonly limits: Figures;
  /** Stages of the runtime, by name. */
  readonly stages: Readonly<Record<string, Figures>>;
  /** Restores by the number of open jobs, smallest first. */
  readonly restores: readonly Figures[];
  readonly sweeps: readonly Sweep[];
  /** Where each service's time went; empty unless profiles were asked for. */
  readonly profiles: readonly HotFunctions[];
}

type Kind = 'latency' | 'factLatency' | 'throughput' | 'factThroughput' | 'slowSteps';

/** The median over the repetitions; NaN where it was not measured. */
export function figureOf({ systems }: Pick<Results, 'systems'>, system: string, kind: Kind, name: string): number {
  const values = (systems.find((found) => found.name === system)?.[kind] ?? []).map((figures) => figures[name]).filter((value) => value !== undefined);
  return values.length === 0 ? Number.NaN : median(values);
}

/** Lowest and highest over the repetitions. */
export function spreadOf({ systems }: Pick<Results, 'systems'>, system: string, kind: Kind, name: string): readonly [number, number] {
  const values = (systems.find((found) => found.name === system)?.[kind] ?? []).flatMap((figures) => figures[name] ?? []);
  return [Math.min(...values), Math.max(...values)];
}

/** The largest share of the machine that processes outside of a measurement took during any of its repetitions. */
export function othersShareOf({ systems }: Pick<Results, 'systems'>, system: string): number {
  const found = systems.find(({ name }) => name === system);
  if (found === undefined) return Number.NaN;
  const shares = [...found.latency, ...found.factLatency, ...found.throughput, ...found.factThroughput, ...found.slowSteps].map((figures) => figures['othersShare'] ?? 0);
  return shares.length === 0 ? Number.NaN : Math.max(...shares);
}

/** Medians, name by name, of figures taken several times. */
export function mediansOf(all: readonly Figures[]): Figures {
  const names = [...new Set(all.flatMap((figures) => Object.keys(figures)))];
  return Object.fromEntries(names.map((name) => [name, median(all.flatMap((figures) => figures[name] ?? []))]));
}
