import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from './counted.js';

test('one of a thing is named in the singular, none and many in the plural', () => {
  assert.deepEqual([0, 1, 2, 1000].map((count) => counted(count, 'epoch')), ['0 epochs', '1 epoch', '2 epochs', '1000 epochs']);
  assert.equal(counted(2, 'copy', 'copies'), '2 copies');
});
