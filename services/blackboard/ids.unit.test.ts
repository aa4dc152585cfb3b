import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from './ids.js';

/** The platform's JSON, with its keys sorted. */
function plainly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.parse(JSON.stringify(item ?? null)) as unknown).map(plainly);
  return value;
}

const texts = ['', 'a', 'a "quoted" \\ text', 'tab\tnew\nline', '\u007f', '\u2028', 'ümläut', '\ud800', 'x'.repeat(500)];

test('writes texts, numbers and gaps as the platform does', () => {
  for (const value of [...texts, 0, -0, 1.5, 1e21, 1e-7, NaN, Infinity, true, false, null, [], {}, [undefined, 1], [[texts]]]) {
    assert.equal(canonicalJson(value), JSON.stringify(plainly(value)));
  }
});

test('sorts keys whatever their order and number, and leaves out what is undefined', () => {
  for (const count of [1, 2, 9, 24, 25, 200]) {
    const names = Array.from({ length: count }, (_, index) => `${texts[index % texts.length] ?? ''}${(index * 7) % count}`);
    const expected = `{${[...new Set(names)].sort().map((name) => `${JSON.stringify(name)}:1`).join(',')}}`;
    for (const order of [names, [...names].reverse(), [...names].sort()]) {
      assert.equal(canonicalJson({ ...Object.fromEntries(order.map((name) => [name, 1])), left: undefined }), expected);
    }
  }
});
