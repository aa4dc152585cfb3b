import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignPartitions } from './assign-partitions.js';

test('gives every partition to exactly one member, evenly, whatever joins and leaves', () => {
  let held: ReadonlyMap<number, readonly number[]> = new Map();
  for (let step = 0; step < 300; step += 1) {
    const next = new Map(held);
    const leaves = [...next.keys()][(step * 7) % Math.max(next.size, 1)];
    if (step % 3 === 2 && leaves !== undefined) next.delete(leaves);
    else next.set(step, []);
    const partitions = 1 + (step % 64);
    held = assignPartitions(new Map([...next].map(([id, own]) => [id, own.filter((p) => p < partitions)])), partitions);
    const all = [...held.values()].flat().sort((a, b) => a - b);
    assert.deepEqual(all, Array.from({ length: partitions }, (_, p) => p));
    const counts = [...held.values()].map((own) => own.length);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(' '));
  }
});

test('moves no more partitions than a newcomer needs', () => {
  const before = new Map([['a', [0, 1, 2]], ['b', [3, 4, 5]], ['c', []]]);
  assert.deepEqual([...assignPartitions(before, 6)], [['a', [0, 1]], ['b', [3, 4]], ['c', [2, 5]]]);
});

test('leaves everything where it is when nobody came or went', () => {
  const before = new Map([['a', [1, 4]], ['b', [0, 2, 3]]]);
  assert.deepEqual([...assignPartitions(before, 5)], [...before]);
});
