// A run's results with made-up figures, for the tests of what is made of them.

import type { SystemResult } from '../run-systems.js';
import type { Results } from './results.js';

export function sampleSystem(name: string, over: Partial<SystemResult> = {}): SystemResult {
  return { name, about: [], unfair: '', missing: '', latency: [], factLatency: [], throughput: [], factThroughput: [], slowSteps: [], ...over };
}

export function sampleResults(over: Partial<Results> = {}): Results {
  return { atIso: '2026-01-01T00:00:00.000Z', machine: 'a machine', tookSeconds: 60, repetitions: 1, limits: {}, stages: {}, restores: [], sweeps: [], profiles: [], systems: [], ...over };
}
