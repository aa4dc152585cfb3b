import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stormOf } from './fault-kinds.js';
import { loadOf, loads, seedsOf } from './load.js';
import { hasSnapshots } from './simulated-snapshots.js';

test('every load meets every storm, with snapshots and without', () => {
  const met = new Set(seedsOf({ from: 1, count: 500 }).map((seed) => `${loadOf(seed)} ${stormOf(seed)} ${hasSnapshots(seed)}`));
  assert.equal(met.size, loads.length * 3 * 2);
});

test('seeds of one load are the first so many of it, and leave out no other of its own', () => {
  const chain = seedsOf({ from: 10, count: 30, load: 'chain' });
  const all = seedsOf({ from: 10, count: (chain.at(-1) as number) - 9 });
  assert.equal(chain.length, 30);
  assert.deepEqual(all.filter((seed) => loadOf(seed) === 'chain'), chain);
});
