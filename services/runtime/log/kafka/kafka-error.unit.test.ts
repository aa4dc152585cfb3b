import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRetriable, isTransport } from './kafka-error.js';

test('takes a connection that had ended for one that may heal, though kafkajs throws it as a plain error', () => {
  for (const message of ['Broker not connected', 'Consumer group was not initialized, consumer#run must be called first']) {
    assert.ok(isTransport(new Error('outer', { cause: new Error(message) })), message);
    assert.ok(isRetriable(new Error(message)), message);
  }
});

test('tries nothing again that is an error of ours, or a refusal', () => {
  assert.ok(!isRetriable(new Error('undefined is not a function')));
  assert.ok(!isRetriable(Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED', retriable: false })));
});
