import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownOf } from './markdown.js';
import { sampleResults, sampleSystem } from './sample-results.js';

const busy = sampleResults({
  repetitions: 3, systems: [sampleSystem('blackboard', { latency: [{ p50Ms: 6, othersShare: 0.31 }], throughput: [{ jobsPerS: 4000, 'cpuPer1000:orchestrator': 0.12 }] }), sampleSystem('restate', { latency: [{ p50Ms: 5 }], throughput: [{ jobsPerS: 1000 }], unfair: 'a | of its own', missing: 'it ended' })],
  sweeps: [{ name: 'partitions', what: 'partitions', points: [{ at: 4, figures: { jobsPerS: 4000 } }] }], restores: [{ openJobs: 1000, snapshotSeconds: 0.1 }],
});

test('the report has the ratios first, each with what was asked and whether it was met', () => {
  const text = markdownOf(busy, []);
  assert.match(text, /\| jobs\/s at saturation, against Restate \| ≥ 3 × \| ≥ 5 × \| 4 × \| must \|/);
  assert.ok(text.indexOf('## Ratios') < text.indexOf('## Workload W3'));
});

test('the report says when others used the machine, what is missing, and what is unfair', () => {
  const text = markdownOf(busy, []);
  assert.match(text, /\*\*Others used up to 31 % of the machine/);
  assert.match(text, /- \*\*restate\*\*: a \| of its own; not \(fully\) measured: it ended/);
  assert.match(markdownOf(sampleResults(), []), /Others used at most 0 %/);
});

test('tables show a dash where nothing was measured, and only columns that some point has', () => {
  const text = markdownOf(busy, [{ title: 'latency', file: 'plots/latency.svg', section: 'systems' }]);
  assert.match(text, /\| 1,000 \| 0\.1 \| – \| – \| – \| – \|/);
  assert.match(text, /\| partitions \| jobs\/s \|\n\| --- \| --- \|\n\| 4 \| 4,000 \|/);
  assert.match(text, /!\[latency\]\(plots\/latency\.svg\)/);
});
