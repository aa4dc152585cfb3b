import assert from 'node:assert/strict';
import { test } from 'node:test';
import './calm-request-queue.js';
import RequestQueue, { type HeldRequests } from 'kafkajs/src/network/requestQueue/index.js';

const { scheduleCheckPendingRequests } = RequestQueue.prototype;

function queue(pending: readonly unknown[], throttledUntil = -1): HeldRequests & { looks: number } {
  return { pending, throttledUntil, throttleCheckTimeoutId: null, looks: 0, checkPendingRequests() { this.looks += 1; } };
}

test('sets no timer while nothing waits', () => {
  const idle = queue([]);
  scheduleCheckPendingRequests.call(idle);
  assert.equal(idle.throttleCheckTimeoutId, null);
});

test('looks again once for what waits, and not before the broker’s quota allows it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const held = queue(['a request'], Date.now() + 500);
  scheduleCheckPendingRequests.call(held);
  scheduleCheckPendingRequests.call(held);
  t.mock.timers.tick(499);
  assert.equal(held.looks, 0);
  t.mock.timers.tick(1);
  assert.equal(held.looks, 1);
  assert.equal(held.throttleCheckTimeoutId, null);
});
