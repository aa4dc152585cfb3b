// All that one run measured.

import type { SystemResult } from '../run-systems.js';
import type { Figures } from '../w3/measure.js';
import { median } from '../w3/percentile.js';

export interface Results {
  readonly atIso: string;
  readonly machine: string;
  readonly durability: string;
  readonly systems: readonly SystemResult[];
  /** Raw client and broker, and stages of the runtime, by name. */
  readonly limits: Figures;
  readonly stages: Readonly<Record<string, Figures>>;
}

type Kind = 'latency' | 'factLatency' | 'throughput' | 'slowSteps';

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
