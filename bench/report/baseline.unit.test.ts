import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baselineOf, regressions } from './baseline.js';
import type { Results } from './results.js';
import { targets, verdictOf } from './targets.js';

function resultsWith(ours: { readonly jobsPerS: number; readonly p50Ms: number }): Results {
  const system = (name: string, jobsPerS: number, p50Ms: number): Results['systems'][number] => ({ name, about: [], unfair: '', missing: '', latency: [{ p50Ms }], factLatency: [], throughput: [{ jobsPerS }], slowSteps: [] });
  return { atIso: '', machine: '', durability: '', limits: {}, stages: {}, systems: [system('blackboard', ours.jobsPerS, ours.p50Ms), system('restate', 1000, 5)] };
}

test('a run is compared with the baseline by ratios, and only what got worse by more than noise is a regression', () => {
  const baseline = baselineOf(resultsWith({ jobsPerS: 4000, p50Ms: 6 }));
  assert.deepEqual(baseline, { 'jobs-vs-restate': 4, 'p50-vs-restate': 1.2 });
  assert.deepEqual(regressions(baseline, resultsWith({ jobsPerS: 3000, p50Ms: 7 })), []);
  assert.deepEqual(regressions(baseline, resultsWith({ jobsPerS: 9000, p50Ms: 1 })), []);
  assert.deepEqual(regressions(baseline, resultsWith({ jobsPerS: 2000, p50Ms: 9 })).map(({ id, was, is }) => ({ id, was, is })), [{ id: 'jobs-vs-restate', was: 4, is: 2 }, { id: 'p50-vs-restate', was: 1.2, is: 1.8 }]);
});

test('a target is missed, met, or exceeded in its own direction; what was not measured is none of these', () => {
  const named = (id: string) => targets.find((target) => target.id === id) ?? assert.fail(id);
  assert.deepEqual([2.9, 3, 5, Number.NaN].map((value) => verdictOf(named('jobs-vs-restate'), value)), ['missed', 'must', 'go for', 'not measured']);
  assert.deepEqual([2.1, 2, 1.2].map((value) => verdictOf(named('p50-vs-restate'), value)), ['missed', 'must', 'go for']);
  assert.equal(verdictOf(named('jobs-vs-graphile'), 7), 'measured');
});
