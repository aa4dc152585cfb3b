import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figureOf, mediansOf, othersShareOf, spreadOf } from './results.js';
import { sampleResults, sampleSystem } from './sample-results.js';

const results = sampleResults({ systems: [sampleSystem('one', { throughput: [{ jobsPerS: 10, othersShare: 0.01 }, { jobsPerS: 90, othersShare: 0.2 }, { jobsPerS: 30 }] })] });

test('a figure is the median of its repetitions, beside the lowest and the highest', () => {
  assert.equal(figureOf(results, 'one', 'throughput', 'jobsPerS'), 30);
  assert.deepEqual(spreadOf(results, 'one', 'throughput', 'jobsPerS'), [10, 90]);
});

test('what was not measured is not a number, of a system as of a figure', () => {
  assert.ok(Number.isNaN(figureOf(results, 'one', 'throughput', 'unheardOf')));
  assert.ok(Number.isNaN(figureOf(results, 'two', 'throughput', 'jobsPerS')));
});

test('the share of others is the worst of all measurements', () => {
  assert.equal(othersShareOf(results, 'one'), 0.2);
});

test('medians are taken name by name, of those repetitions that have it', () => {
  assert.deepEqual(mediansOf([{ a: 1, b: 5 }, { a: 3 }, { a: 2 }]), { a: 2, b: 5 });
});
