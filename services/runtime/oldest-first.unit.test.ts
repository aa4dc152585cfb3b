import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OldestFirst } from './oldest-first.js';

test('drops the oldest for as long as they are over, and no other', () => {
  const map = new OldestFirst<string, number>();
  for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) map.set(key, index);
  map.dropWhile((value) => value < 2);
  assert.deepEqual(['a', 'b', 'c', 'd'].map((key) => map.get(key)), [undefined, undefined, 2, 3]);
  assert.equal(map.size, 2);
  map.dropWhile((value) => value === 3);
  assert.equal(map.size, 2, 'the oldest is not over');
});

test('an entry that is set again is the newest, and its earlier value is gone', () => {
  const map = new OldestFirst<string, number>();
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  const seen: number[] = [];
  map.dropWhile((value) => seen.push(value) > 0);
  assert.deepEqual(seen, [2, 3]);
  assert.equal(map.size, 0);
});

test('does as a map does that is looked through from its beginning', () => {
  const map = new OldestFirst<number, number>();
  const expected = new Map<number, number>();
  for (let turn = 0; turn < 20_000; turn += 1) {
    const key = (turn * 7919) % 997;
    map.set(key, turn);
    expected.delete(key);
    expected.set(key, turn);
    const oldestKept = turn % 3 === 0 ? turn - 1_500 : -1;
    map.dropWhile((value) => value < oldestKept);
    for (const [known, value] of expected) {
      if (value >= oldestKept) break;
      expected.delete(known);
    }
    assert.equal(map.size, expected.size);
    assert.equal(map.get(key - 1), expected.get(key - 1));
  }
});

/** Microseconds that one more takes where so many are kept; the best of three. */
function cost(kept: number): number {
  const map = new OldestFirst<number, number>();
  let next = 0;
  const add = (count: number): void => {
    for (let end = next + count; next < end; next += 1) {
      map.set(next, next);
      map.dropWhile(() => map.size > kept);
    }
  };
  add(kept * 1.5);
  return Math.min(...[1, 2, 3].map(() => {
    const sinceMs = performance.now();
    add(30_000);
    return (performance.now() - sinceMs) / 30;
  }));
}

test('takes about as long with 100,000 entries as with a hundred', () => {
  const [few, many] = [cost(100), cost(100_000)];
  // A map that is looked through from its beginning takes a hundred times as long.
  assert.ok(many < few * 12, `${few.toFixed(2)} µs with 100, ${many.toFixed(2)} µs with 100,000`);
});
