import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baselineOf, regressions } from './baseline.js';
import type { Results } from './results.js';
import { sampleResults, sampleSystem } from './sample-results.js';
import { targets, verdictOf } from './targets.js';

function resultsWith({ jobsPerS, p50Ms }: { readonly jobsPerS: number; readonly p50Ms: number }): Results {
  return sampleResults({ systems: [sampleSystem('blackboard', { latency: [{ p50Ms }], throughput: [{ jobsPerS }] }), sampleSystem('restate', { latency: [{ p50Ms: 5 }], throughput: [{ jobsPerS: 1000 }] })] });
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

test('restore and memory are those of 100,000 open jobs, and of no other number', () => {
  const named = (id: string) => targets.find((target) => target.id === id) ?? assert.fail(id);
  const restores = [{ openJobs: 12_000, snapshotSeconds: 0.2, jobKb: 3 }, { openJobs: 120_000, snapshotSeconds: 1.5, jobKb: 0.9 }, { openJobs: 1_020_000, snapshotSeconds: 20, jobKb: 0.8 }];
  assert.equal(named('restore').value(sampleResults({ restores })), 1.5);
  assert.equal(named('memory').value(sampleResults({ restores })), 0.9);
  assert.ok(Number.isNaN(named('restore').value(sampleResults({ restores: restores.slice(0, 1) }))));
});
