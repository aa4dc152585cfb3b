import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitWatermark } from './commit-watermark.js';

test('stands at the lowest open offset, whatever the order in which work ends', () => {
  const watermark = new CommitWatermark<string>(10);
  const a = watermark.track(10, 'a');
  const b = watermark.track(12, 'b');
  watermark.delivered(20);
  watermark.done(b);
  assert.equal(watermark.offset, 10);
  assert.equal(watermark.oldestOpen?.value, 'a');
  watermark.done(a);
  assert.equal(watermark.offset, 20);
  assert.equal(watermark.oldestOpen, null);
});

test('passes offsets without work once they are delivered', () => {
  const watermark = new CommitWatermark<null>(0);
  assert.equal(watermark.offset, 0);
  watermark.delivered(5);
  assert.equal(watermark.offset, 5);
});

test('refuses an offset that was passed before', () => {
  const watermark = new CommitWatermark<null>(0);
  watermark.delivered(5);
  assert.throws(() => watermark.track(4, null));
});

test('takes a million offsets in any order of ending without scanning', () => {
  const watermark = new CommitWatermark<null>(0);
  const tracked = Array.from({ length: 1_000_000 }, (_, offset) => watermark.track(offset, null));
  const startedMs = performance.now();
  for (let index = tracked.length - 1; index >= 0; index -= 1) {
    watermark.done(tracked[index] as (typeof tracked)[number]);
    if (index > 0 && watermark.offset !== 0) assert.fail('passed open work');
  }
  assert.equal(watermark.offset, 1_000_000);
  assert.equal(watermark.trackedCount, 0);
  // A scan for each would be 5 * 10^11 steps.
  assert.ok(performance.now() - startedMs < 2_000);
});
